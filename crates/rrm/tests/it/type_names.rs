//! The names of types: each is defined once in the workspace, and each is a noun.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Words that name a moment or a question instead of a thing: no type's name is one of them or ends in one.
const NO_NOUNS: &str = "
    Added Adding Admits Ahead Aligned Ambiguous Asked Asking Bad Bare Before Begun Behind Beside Best Better Born Bound Broken Built Called
    Checked Chosen Closed Combined Compared Counted Counting Cut Decided Done Drawn Dropped Either Elicit Elsewhere Embedded Ended Enough
    Exported Extracted Failed Failing Filtered Found Gathered Gathering Given Graded Gone Heard Held How Joined Judged Judging Kept Keyed
    Known Labelled Learned Least Left Listed Loaded Made Matched Measured Mended Met Most Moved Moving Named Near Needed Needs Noted Offered
    Only Open Opened Otherwise Outside Owned Packed Paid Paired Picked Pinned Planned Played Prepared Probed Proven Put Raised Ranked Rated
    Reached Read Ready Real Recorded Refused Rejected Relate Relevant Remembered Remembering Rendered Resampled Said Saved Scored Seen Sent
    Settled Several Shared Shown Sifted Skipped Sorted Spent Spoken Spooled Stated Stating Stored Taken Tell Tiled To Told
    Tokenized Tried Trained Tuned Unknown Unused Updated Usable Used Wanted Watched What Where Which Who Why Won Wrapped Written Wrong
";

/// All Rust sources below a folder, without tests and without the stand-ins for features that are off (`without.rs`), which have to repeat
/// the names that they stand in for.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if ["tests", "tests.rs", "without.rs"].iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of the types that a source text defines, outside of functions, macros, traits and inline modules: rustfmt indents those.
/// A stand-in for other platforms or features, `#[cfg(not(...))]`, repeats a name too.
fn defined(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut stand_in = false;
    for line in text.lines() {
        let item = line.strip_prefix("pub ").unwrap_or(line);
        let item = item.strip_prefix("pub(").and_then(|rest| rest.split_once(") ")).map_or(item, |(_, item)| item);
        let item = item.strip_prefix("unsafe ").unwrap_or(item);
        let keyword = ["struct ", "enum ", "trait ", "type ", "union "].iter().find_map(|keyword| item.strip_prefix(keyword));
        if let Some(rest) = keyword.filter(|_| !stand_in) {
            names.push(rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap());
        }
        stand_in = line.starts_with("#[cfg(not(") || (stand_in && line.starts_with("#["));
    }
    names
}

/// The last word of a name in camel case.
fn last_word(name: &str) -> &str {
    &name[name.rfind(char::is_uppercase).unwrap_or(0)..]
}

/// The file and the name of every type in the workspace.
fn types() -> Vec<(String, String)> {
    let mut types = Vec::new();
    for entry in fs::read_dir(CRATES).unwrap() {
        let source = entry.unwrap().path().join("src");
        let mut files = Vec::new();
        if source.is_dir() {
            sources(&source, &mut files);
        }
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let place = file.strip_prefix(CRATES).unwrap().display().to_string();
            types.extend(defined(&text).into_iter().map(|name| (place.clone(), name.to_owned())));
        }
    }
    types
}

#[test]
fn every_type_has_a_name_of_its_own() {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, name) in types() {
        files.entry(name).or_default().push(file);
    }
    assert!(files.len() > 500, "found only {} types", files.len());
    let twice: Vec<String> =
        files.iter().filter(|(_, files)| files.len() > 1).map(|(name, files)| format!("{name}: {}", files.join(", "))).collect();
    assert!(twice.is_empty(), "a type's name is defined twice; name each for what it is:\n{}", twice.join("\n"));
}

#[test]
fn type_names_are_nouns() {
    let words: Vec<&str> = NO_NOUNS.split_whitespace().collect();
    let types = types();
    let wrong: Vec<String> = types
        .iter()
        .filter(|(_, name)| words.contains(&last_word(name)))
        .map(|(file, name)| format!("{name} in {file}: name the thing, such as {name}Row"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn definitions_are_found_where_they_count() {
    let text = "pub struct Row {\n    type Inner = u8;\n}\n#[cfg(not(unix))]\n#[derive(Debug)]\nstruct StandIn;\n\
                pub(in crate::a) enum Kind<T> {}\nunsafe trait Load: Copy {}\ntype Pair = (u8, u8);\nfn f() {\n    struct Local;\n}\n";
    assert_eq!(defined(text), ["Row", "Kind", "Load", "Pair"]);
    assert_eq!(["AskedPrompt", "PromptAsked", "Told"].map(last_word), ["Prompt", "Asked", "Told"]);
}
