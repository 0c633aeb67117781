//! The layers of ARCHITECTURE.md, checked against what modules really use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
/// All crates of the workspace but the example programs.
const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const ARCHITECTURE: &str = include_str!("../../../../ARCHITECTURE.md");

/// The layer of each module: the lines of the code block under "Layers".
fn layers() -> BTreeMap<String, usize> {
    let block = ARCHITECTURE.split("## Layers").nth(1).unwrap().split("```").nth(1).unwrap();
    let lines = block.lines().filter(|line| !line.trim().is_empty()).enumerate();
    let modules = |(layer, line): (usize, &str)| {
        let line = line.replace("engine (the contract)", "engine");
        line.split_whitespace().map(|name| (name.to_owned(), layer)).collect::<Vec<_>>()
    };
    lines.flat_map(modules).collect()
}

/// The module that a file belongs to: a folder is one, unless its parts have layers of their own.
fn module(path: &Path, layers: &BTreeMap<String, usize>) -> String {
    let below = path.strip_prefix(SOURCES).unwrap().with_extension("");
    owner(&below.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>(), layers)
}

/// The module that a path of names leads to. The engines below `engine/` are a layer of their own, which the names of types do not tell.
fn owner(path: &[&str], layers: &BTreeMap<String, usize>) -> String {
    let inner = path.get(1).map(|inner| format!("{}/{inner}", path[0]));
    match inner {
        Some(inner) if layers.contains_key(&inner) => inner,
        Some(inner) if path[0] == "engine" && Path::new(SOURCES).join(&inner).with_extension("rs").is_file() => {
            "engine/*".to_owned()
        }
        _ => path[0].to_owned(),
    }
}

/// The top module that a file belongs to; the engines below `engine/` are one of their own.
fn module_below(sources: &Path, path: &Path) -> String {
    let below = path.strip_prefix(sources).unwrap();
    let mut parts = below.iter().map(|part| part.to_str().unwrap());
    match (parts.next().unwrap(), parts.next()) {
        ("engine", Some(_)) => "engine/*".to_owned(),
        (top, _) => top.trim_end_matches(".rs").to_owned(),
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// What a source text names by `crate::a::b`, also inside `use crate::{a, b::{c, d}}`.
fn used(text: &str) -> Vec<Vec<String>> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    let mut paths = Vec::new();
    code.split("crate::").skip(1).for_each(|after| {
        paths_of_tree(&[], after, &mut paths);
    });
    paths
}

/// Adds the paths of the one tree that the text begins with, and gives the text behind it.
fn paths_of_tree<'t>(before: &[String], text: &'t str, paths: &mut Vec<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut list) = text.strip_prefix('{') {
        loop {
            list = list.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            match list.strip_prefix('}') {
                Some(rest) => return rest,
                None if list.is_empty() => return list,
                None => list = paths_of_tree(before, list, paths),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(text.len());
    let (name, rest) = if end == 0 { ("", text.get(1..).unwrap_or("")) } else { text.split_at(end) };
    let path: Vec<String> = before.iter().cloned().chain((!name.is_empty()).then(|| name.to_owned())).collect();
    match rest.strip_prefix("::") {
        Some(inner) if !name.is_empty() => paths_of_tree(&path, inner, paths),
        _ => {
            // `use a as b` is a.
            let rest = rest
                .strip_prefix(" as ")
                .map_or(rest, |other| other.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
            if !path.is_empty() {
                paths.push(path);
            }
            rest
        }
    }
}

#[test]
fn modules_use_only_their_own_layer_and_those_above() {
    let layers = layers();
    let mut files = Vec::new();
    sources(Path::new(SOURCES), &mut files);
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("lib.rs")) {
        let module = module(file, &layers);
        let Some(layer) = layers.get(&module) else {
            wrong.push(format!("{module} has no layer in ARCHITECTURE.md"));
            continue;
        };
        for path in used(&fs::read_to_string(file).unwrap()) {
            let used = owner(&path.iter().map(String::as_str).collect::<Vec<_>>(), &layers);
            match layers.get(&used) {
                Some(other) if other > layer => wrong.push(format!("{module} uses {used}, which lies below it")),
                Some(_) => {}
                None => wrong.push(format!("{module} uses {used}, which has no layer in ARCHITECTURE.md")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let found: Vec<String> =
        used("use crate::{a, b::{self, c::D, e}, f::g as h};\ncrate::i::j()").iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a", "b::self", "b::c::D", "b::e", "f::g", "i::j"]);
    assert_eq!(owner(&["ranking", "rating", "Score"], &layers), "ranking/rating");
    assert_eq!(owner(&["ranking", "Ranking"], &layers), "ranking");
    assert_eq!(owner(&["engine", "http"], &layers), "engine/*");
    assert_eq!(owner(&["judge", "places"], &layers), "judge");
}

/// The source folders of all crates.
fn crates() -> Vec<PathBuf> {
    let folders = fs::read_dir(CRATES).unwrap().map(|entry| entry.unwrap().path().join("src"));
    let mut folders: Vec<PathBuf> = folders.filter(|folder| folder.is_dir()).collect();
    folders.sort_unstable();
    folders
}

/// What the modules of a crate use of each other. A library's or a program's root names them all and belongs to none.
fn uses(sources_of: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    sources(sources_of, &mut files);
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.retain(|file| !(file.parent() == Some(sources_of) && (file.ends_with("lib.rs") || file.ends_with("main.rs"))));
    let mut uses: BTreeMap<String, BTreeSet<String>> =
        files.iter().map(|file| (module_below(sources_of, file), BTreeSet::new())).collect();
    for file in files {
        let module = module_below(sources_of, &file);
        let tops = used(&fs::read_to_string(&file).unwrap()).into_iter().map(|path| path[0].clone());
        let others = tops.filter(|name| *name != module && uses.contains_key(name));
        let others: Vec<String> = others.collect();
        uses.get_mut(&module).unwrap().extend(others);
    }
    uses
}

/// Whatever is left when modules that use none of the others, or that none of the others uses, are taken away again and again.
fn circles(mut uses: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let names: BTreeSet<String> = uses.keys().cloned().collect();
        uses.values_mut().for_each(|others| others.retain(|other| names.contains(other)));
        let wanted: BTreeSet<String> = uses.values().flatten().cloned().collect();
        uses.retain(|name, others| !others.is_empty() && wanted.contains(name));
        if uses.len() == names.len() {
            return uses;
        }
    }
}

#[test]
fn modules_of_every_crate_use_each_other_in_one_direction() {
    let crates = crates();
    assert!(crates.len() >= 8, "{crates:?}");
    for sources in crates {
        let circles = circles(uses(&sources));
        assert!(circles.is_empty(), "{}: these modules use each other in circles: {circles:#?}", sources.display());
    }
    let uses = |names: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
        names
            .iter()
            .map(|(name, others)| ((*name).to_owned(), others.iter().map(|other| (*other).to_owned()).collect()))
            .collect()
    };
    let line = uses(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(circles(line), BTreeMap::new());
    let found = circles(uses(&[("a", &["b"]), ("b", &["c"]), ("c", &["b", "d"]), ("d", &[])]));
    assert_eq!(found, uses(&[("b", &["c"]), ("c", &["b"])]));
}

#[test]
fn no_file_grows_over_400_lines_and_every_one_says_what_it_is() {
    for folder in fs::read_dir(CRATES).unwrap().map(|entry| entry.unwrap().path()) {
        let mut files = Vec::new();
        for part in ["src", "tests", "examples", "benches"].map(|part| folder.join(part)).iter().filter(|part| part.is_dir()) {
            sources(part, &mut files);
        }
        // A page's HTML, CSS and script, and data in TOML, have comments of their own kinds; what tests compare with may be long.
        let own = |file: &PathBuf| file.starts_with(folder.join("src")) || file.extension().is_some_and(|end| end == "rs");
        for file in files.into_iter().filter(own) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.lines().count() <= 400, "{} has over 400 lines", file.display());
            let code = file.extension().is_some_and(|extension| extension == "rs");
            assert!(!code || text.starts_with("//!"), "{} does not open with //!", file.display());
        }
    }
}

/// A verdict is about places. Votes are about responses, and everything beyond the vote speaks of them alone, so that nobody asks again who was
/// shown first.
#[test]
fn verdicts_about_places_are_known_only_where_they_are_read_turned_and_rewarded() {
    let mut files = Vec::new();
    sources(Path::new(SOURCES), &mut files);
    let names = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "Verdict");
    let layers = layers();
    let mut knowing: Vec<String> =
        files.iter().filter(|file| names(&fs::read_to_string(file).unwrap())).map(|file| module(file, &layers)).collect();
    knowing.sort_unstable();
    knowing.dedup();
    assert_eq!(knowing, ["reward", "verdict", "vote"]);
}
