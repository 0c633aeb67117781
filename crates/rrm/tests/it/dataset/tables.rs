//! Tables as spreadsheets and people write them: read right, or refused in clear words.

use rrm::dataset::read;

use super::{columns, file, items, texts, turns};

const SPECS: [&str; 1] = ["responses=a,b"];

fn gist(name: &str, content: &str) -> String {
    let item = items(&file(name, content).path, &columns(&SPECS)).remove(0);
    format!("{} -> {}", turns(&item.prompt.messages).join(" / "), texts(&item).join(" | "))
}

fn refused(name: &str, content: &str) -> String {
    let fixture = file(name, content);
    let folder = fixture.folder.path().display().to_string();
    let error = read(&fixture.path, &columns(&SPECS)).err().unwrap_or_else(|| panic!("{content}"));
    error.to_string().replace(&format!("{folder}/"), "")
}

#[test]
fn a_line_that_names_the_delimiter_is_read() {
    for head in ["sep=;", "\"sep=;\"", "SEP=;", "\u{feff}sep=;"] {
        assert_eq!(gist("a.csv", &format!("{head}\nprompt;a;b\nHi, you;x;y\n")), "user: Hi, you -> x | y");
    }
    assert_eq!(gist("a.csv", "sep=,\r\nprompt,a,b\r\nHi,x,y\r\n"), "user: Hi -> x | y");
    assert_eq!(gist("rows", "sep=\t\nprompt\ta\tb\nHi\tx\ty\n"), "user: Hi -> x | y");
}

#[test]
fn bars_are_delimiters() {
    assert_eq!(gist("a.csv", "prompt|a|b\nHi, you|x|y\n"), "user: Hi, you -> x | y");
    assert_eq!(gist("a.csv", "prompt,a,b\nHi|you,x,y\n"), "user: Hi|you -> x | y");
}

#[test]
fn what_is_no_table_says_so() {
    insta::assert_snapshot!(refused("a.csv", "# exported, today\nprompt,a,b\nHi,x,y\n"), @"a.csv: this is a file that begins with a comment line (`#`); take such lines out; rows are read from JSONL, JSON, CSV, TSV (all also as .gz) and Parquet");
    insta::assert_snapshot!(refused("a.md", "| prompt | a | b |\n|---|---|---|\n| Hi | x | y |\n"), @"a.md: this is a table in Markdown; save it as CSV; rows are read from JSONL, JSON, CSV, TSV (all also as .gz) and Parquet");
    assert!(refused("a.jsonl", "# rows\n{\"prompt\":\"Hi\"}\n").contains("begins with a comment line"));
    // A column of numbers is often called `#`.
    assert_eq!(gist("a.csv", "#,prompt,a,b\n1,Hi,x,y\n"), "user: Hi -> x | y");
}
