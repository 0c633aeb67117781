//! Any bytes as a file of rows -> whether every text that would be judged stands in it. Used by a test here and by `fuzz/fuzz_targets/rows.rs`.
//!
//! What is in a file is found by other means than its rows are: all texts in quotes, with their escapes undone, wherever they stand. A judged text
//! is a part of one of them, or of the file as it stands (cells of tables), or a number that the file holds; parts of a message and columns that
//! are joined are several of them, and so are the turns of a conversation that is judged as a whole.

use std::{fs, path::PathBuf};

use rrm::dataset::{ColumnNames, Item, ReadOptions, check, read};

/// Ways to read a file.
const SPECS: [&[&str]; 4] = [
    &[],
    &["label=label"],
    &["prompt=instruction+input", "responses=a,b", "label=winner:A,B,tie"],
    &["id=", "prompt=prompt", "chosen=best.answer", "rejected=losers.answer", "responses.rank=rank"],
];
const NAMES: [&str; 3] = ["rows", "rows.csv", "rows.tsv"];

/// Reads the bytes in one of the ways; gives the number of rows.
///
/// # Panics
/// Where a text of a row is not in the file, or the file is read in two ways.
pub fn rows(bytes: &[u8], way: usize) -> usize {
    // Parquet's reader panics on its own, which is caught where it is called; compressed bytes hold no text.
    if bytes.starts_with(b"PAR1") || bytes.starts_with(b"\x1f\x8b") {
        return 0;
    }
    let path = file(NAMES[way % NAMES.len()]);
    fs::write(&path, bytes).expect("a file can be written");
    let columns = ColumnNames::parse(SPECS[way % SPECS.len()]).expect("the specs are right");
    let options = ReadOptions { at_least: 1, columns, skip_bad_rows: way % 2 == 1, ..ReadOptions::default() };
    let items: Vec<Item> = read(&path, &options).into_iter().flatten().flatten().collect();
    let checked = check(&path, &options);
    fs::remove_file(&path).ok();
    let held = Held::of(bytes);
    let joined = SPECS[way % SPECS.len()].iter().any(|spec| spec.contains('+'));
    for item in &items {
        let prompt = item.prompt.messages.iter().map(|message| message.content.as_str());
        for text in prompt.chain(item.responses.iter().map(|response| &*response.text)) {
            let held = held.has(text) || joined && text.split('\n').all(|line| held.has(line));
            assert!(held, "row {}: a judged text is not in the file: {text:?}\n{}", item.row, String::from_utf8_lossy(bytes));
        }
        let unseen = item.extra.values().all(|value| !value.to_string().contains('\u{fdd0}'));
        assert!(unseen || bytes.windows(3).any(|bytes| bytes == "\u{fdd0}".as_bytes()), "a mark is left in {:?}", item.extra);
    }
    if let Ok(summary) = checked {
        assert_eq!(summary.total().rows as usize, items.len(), "the check and the reading differ");
    }
    items.len()
}

fn file(name: &str) -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "");
    let folder = std::env::temp_dir().join(format!("rrm-rows-{}-{thread}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder.join(name)
}

/// What a file holds.
struct Held {
    /// All of it, and all of it with doubled quotes as one.
    whole: [String; 2],
    /// Texts in quotes, their escapes undone, and those in them.
    texts: Vec<String>,
    numbers: Vec<f64>,
}

impl Held {
    fn of(bytes: &[u8]) -> Held {
        let whole = String::from_utf8_lossy(bytes).into_owned();
        let single = whole.replace("\"\"", "\"");
        let mut texts = quoted(&whole);
        texts.extend(quoted(&single));
        // Messages may be written as JSON inside a text.
        let inner: Vec<String> = texts.iter().filter(|text| text.contains('"')).flat_map(|text| quoted(text)).collect();
        texts.extend(inner);
        let token = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        let numbers = whole.split(token).filter_map(|token| token.parse().ok()).collect();
        Held { whole: [whole, single], texts, numbers }
    }

    fn has(&self, text: &str) -> bool {
        self.has_part(text) || dialogue(text).is_some_and(|turns| turns.iter().all(|turn| self.has_part(turn)))
    }

    fn has_part(&self, text: &str) -> bool {
        let number = || text.parse::<f64>().is_ok_and(|number| self.numbers.contains(&number));
        let part = |whole: &String| whole.contains(text);
        self.texts.iter().any(part)
            || self.whole.iter().any(part)
            || number()
            || self.whole[0].contains("\"type\"") && self.pieces(text)
            // The calls of a message are written anew.
            || self.whole[0].contains("tool_calls")
    }

    /// Whether the text is several whole texts in a row.
    fn pieces(&self, text: &str) -> bool {
        let mut ends = vec![false; text.len() + 1];
        ends[0] = true;
        for at in 0..text.len() {
            if ends[at] {
                let begins =
                    |piece: &&String| !piece.is_empty() && text.is_char_boundary(at) && text[at..].starts_with(piece.as_str());
                self.texts.iter().filter(begins).for_each(|piece| ends[at + piece.len()] = true);
            }
        }
        ends[text.len()]
    }
}

/// What each turn of a conversation says, which is written with the names of who speaks where chats part early.
fn dialogue(text: &str) -> Option<Vec<&str>> {
    const SPEAKERS: [&str; 4] = ["System: ", "User: ", "Assistant: ", "Tool: "];
    let name = |text: &str| SPEAKERS.iter().find(|name| text.starts_with(**name)).map(|name| name.len());
    let mut begins = vec![(0, name(text)?)];
    begins.extend(text.match_indices("\n\n").filter_map(|(at, gap)| Some((at, gap.len() + name(&text[at + gap.len()..])?))));
    let ends = begins.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    Some(begins.iter().zip(ends).map(|((at, name), end)| &text[at + name..end]).collect())
}

/// All texts between quotes, read as JSON's, with U+FFFD for halves of characters. A quote may open a text or close one, so both are tried.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('"') {
        let start = from + at + 1;
        let (said, length) = unescaped(&text[start..]);
        found.push(said);
        from = if found.len() > 2000 { start + length } else { start };
    }
    found
}

fn unescaped(text: &str) -> (String, usize) {
    let mut units: Vec<u16> = Vec::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        let escaped = match letter {
            '"' => return (String::from_utf16_lossy(&units), at),
            '\\' => letters.next().map_or('\\', |(_, letter)| letter),
            _ => {
                units.extend(letter.encode_utf16(&mut [0; 2]).iter());
                continue;
            }
        };
        let control = [('n', 10), ('t', 9), ('r', 13), ('b', 8), ('f', 12)].into_iter().find(|(name, _)| *name == escaped);
        if escaped == 'u' {
            let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
            units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
        } else if let Some((_, control)) = control {
            units.push(control);
        } else {
            units.extend(escaped.encode_utf16(&mut [0; 2]).iter());
        }
    }
    (String::from_utf16_lossy(&units), text.len())
}
