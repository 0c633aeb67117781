//! Parts of a streamed text -> the same text without keys, even if a key is spread over several parts.

use super::Secrets;

/// A text that arrives in parts. A possible beginning of a key is held back until the key is complete or excluded.
pub(crate) struct HeldText<'a> {
    secrets: &'a Secrets,
    held: String,
}

impl<'a> HeldText<'a> {
    /// Returns an empty text.
    pub fn new(secrets: &'a Secrets) -> Self {
        HeldText { secrets, held: String::new() }
    }

    /// Adds a part. Returns the text that is certain to be no part of a key.
    pub fn piece(&mut self, piece: &str) -> String {
        if self.secrets.keys.is_empty() {
            return piece.to_owned();
        }
        self.held.push_str(piece);
        let rest = self.held.split_off(self.known());
        self.secrets.kept(std::mem::replace(&mut self.held, rest))
    }

    /// Returns the text that was held back to the end.
    pub fn rest(&mut self) -> String {
        self.secrets.kept(std::mem::take(&mut self.held))
    }

    /// Returns the number of bytes at the beginning that no unfinished key can reach into.
    fn known(&self) -> usize {
        let text = &self.held;
        let begun = |key: &String| {
            let longest = (1..key.len().min(text.len() + 1)).rev().filter(|n| key.is_char_boundary(*n));
            longest.into_iter().find(|n| text.ends_with(&key[..*n])).map_or(text.len(), |n| text.len() - n)
        };
        let mut known = self.secrets.keys.iter().map(begun).min().unwrap_or(text.len());
        // A complete key is not cut because another one may begin at its end.
        for key in &self.secrets.keys {
            let cut = text.match_indices(key.as_str()).find(|(at, key)| (*at + 1..at + key.len()).contains(&known));
            known = cut.map_or(known, |(at, _)| at);
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(secrets: &Secrets, pieces: &[&str]) -> String {
        let mut held = HeldText::new(secrets);
        let told: String = pieces.iter().map(|piece| held.piece(piece)).collect();
        told + &held.rest()
    }

    #[test]
    fn a_key_in_pieces_is_taken_out_and_nothing_else_is_kept_back() {
        let secrets = Secrets::of_keys(&["sk-SECRET-1234567"]);
        assert_eq!(told(&secrets, &["so s", "k-SEC", "RET-123", "4567 it is"]), "so (key) it is");
        let mut held = HeldText::new(&secrets);
        assert_eq!(held.piece("no key, s"), "no key, ");
        assert_eq!(held.piece("ure, sk-SECRET"), "sure, ");
        assert_eq!(held.piece("!"), "sk-SECRET!");
        assert_eq!(HeldText::new(&Secrets::default()).piece("sk"), "sk");
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_say_what_the_whole_says(
            parts in prop::collection::vec(prop_oneof![
                Just("abababab-1"), Just("ab"), Just("b-1abababab"), Just("b"), Just("x y"), Just("é"), Just("-1ababé"), Just("1")
            ], 0..12),
            sizes in prop::collection::vec(1_usize..5, 1..9),
        ) {
            let secrets = Secrets::of_keys(&["abababab-1", "b-1abababab", "-1ababé-9"]);
            let whole: String = parts.concat();
            let letters: Vec<char> = whole.chars().collect();
            let (mut pieces, mut from) = (Vec::new(), 0);
            for size in sizes.iter().cycle() {
                if from >= letters.len() {
                    break;
                }
                let to = (from + size).min(letters.len());
                pieces.push(letters[from..to].iter().collect::<String>());
                from = to;
            }
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let told = told(&secrets, &pieces);
            prop_assert!(secrets.keys.iter().all(|key| !told.contains(key.as_str())), "{told}");
            // If keys do not overlap, both results are the same.
            if !whole.contains("abababab-1abababab") && !whole.contains("-1ababé") {
                prop_assert_eq!(told, secrets.kept(whole));
            }
        }
    }
}
