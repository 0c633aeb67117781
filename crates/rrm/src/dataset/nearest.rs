//! A name that does not exist -> the most similar one that does.

/// Returns the name most like `wanted`, if at least half of its letters agree.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wanted.to_lowercase();
    let near = names.filter(|name| name.len() <= 64).map(|name| (edits(&lower, &name.to_lowercase()), name));
    near.min_by_key(|(edits, _)| *edits)
        .filter(|(edits, name)| edits * 2 <= name.chars().count().max(lower.chars().count()))
        .map(|(_, name)| name)
}

/// Returns the Levenshtein distance: the number of letters to insert, delete or replace to turn `a` into `b`.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        above[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = above[j + 1];
            above[j + 1] = replaced.min(above[j] + 1).min(diagonal + 1);
        }
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_counts_letters() {
        assert_eq!(edits("prompt", "promt"), 1);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
    }
}
