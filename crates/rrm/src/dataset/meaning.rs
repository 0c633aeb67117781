//! All values of the label columns of a file -> their meaning, or an error that names two possible ones, before anything is spent.
//!
//! A value such as 0 means different things in different data sets. The column names of known data sets settle the meaning; if two readings fit, the
//! file is refused with the column spec of each.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use serde_json::{Map, Value};

use super::{
    columns::{ColumnNames, ColumnRule, Field, find},
    labels::{LabelMeaning, number, parse, switch},
    messages::scalar,
    rows,
    sides::{NamedOrder, order_of},
};

/// The values of the label columns, over all rows.
#[derive(Debug, Default)]
struct ColumnValues {
    /// Different numbers, up to a limit.
    numbers: BTreeSet<i64>,
    fractions: bool,
    least: Option<f64>,
    most: Option<f64>,
    /// Whether there are values `true` and `false`, as JSON or as text.
    switches: bool,
    words: bool,
    /// Whether each row has a 1 (or true) in exactly one of the columns, and 0 in the others.
    one_hot: bool,
    /// All columns of the first row.
    present: Vec<String>,
}

/// Labels with two possible meanings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AmbiguousLabels {
    /// Content of the columns.
    pub(super) found: String,
    /// For each reading: the column spec that selects it, and its description.
    pub(super) readings: [(String, String); 2],
}

/// A column whose meaning is documented by the authors of a data set.
struct DocumentedColumn {
    column: &'static str,
    /// Other columns that such a row has.
    beside: &'static [&'static str],
    mapping: &'static str,
    whose: &'static str,
}

/// Mapping of signed numbers: below 0 the first, above 0 the second.
const SIGNED: &str = "<0,>0,0";

/// Returns whether numbers can be HelpSteer's: from -3 to 3, without another column that names the winner.
fn is_signed(held: &ColumnValues) -> bool {
    let in_range = held.least.is_some_and(|least| least >= -3.0) && held.most.is_some_and(|most| most <= 3.0);
    let told =
        ["winner", "label", "better", "preferred", "chosen"].iter().any(|name| held.present.iter().any(|column| column == name));
    in_range && !held.fractions && !told
}

const KNOWN: [DocumentedColumn; 7] = [
    DocumentedColumn {
        column: "better_response_id",
        beside: &["response_0", "response_1"],
        mapping: "0,1",
        whose: "PKU-SafeRLHF: the better one's number",
    },
    DocumentedColumn {
        column: "safer_response_id",
        beside: &["response_0", "response_1"],
        mapping: "0,1",
        whose: "PKU-SafeRLHF: the safer one's number",
    },
    DocumentedColumn {
        column: "labels",
        beside: &["human_ref_A", "human_ref_B"],
        mapping: "1,0",
        whose: "SHP: 1 where A is preferred",
    },
    DocumentedColumn {
        column: "choice",
        beside: &["summaries"],
        mapping: "0,1",
        whose: "summarize_from_feedback: the chosen one's place",
    },
    DocumentedColumn {
        column: "preference_strength",
        beside: &[],
        mapping: SIGNED,
        whose: "HelpSteer: below 0 the first is better, above 0 the second",
    },
    DocumentedColumn {
        column: "score",
        beside: &["individual_preference"],
        mapping: SIGNED,
        whose: "HelpSteer: below 0 the first is better, above 0 the second",
    },
    DocumentedColumn {
        column: "overall_preference",
        beside: &[],
        mapping: SIGNED,
        whose: "HelpSteer: below 0 the first is better, above 0 the second",
    },
];

/// Returns the columns with the meaning of labels that the values of these files imply, and a note on it.
///
/// Files and rows that cannot be read are ignored here; reading them gives the error.
pub(super) fn settled(
    files: &[(&Path, Arc<str>)],
    columns: &ColumnNames,
) -> Result<(ColumnNames, Option<String>), AmbiguousLabels> {
    let source = columns.of(Field::Label);
    if source.given && matches!(columns.labels, LabelMeaning::OneHot | LabelMeaning::Compared(_)) {
        in_order(columns)?;
    }
    if !source.given || columns.labels != LabelMeaning::Open {
        return Ok((columns.clone(), None));
    }
    let empty = || ColumnValues { one_hot: true, ..ColumnValues::default() };
    let mut held = empty();
    for (path, name) in files {
        let Ok(rows) = rows::open(path, name) else { continue };
        let mut alone = empty();
        for (_, row) in rows.flatten() {
            look(&mut held, &row, &source.paths);
            look(&mut alone, &row, &source.paths);
        }
        // A file with two possible meanings is not settled by another file: they may come from two authors. A file with a single value may be part of
        // a larger one.
        if alone.numbers.len() > 1 || alone.switches {
            meaning(&alone, columns)?;
        }
    }
    let (labels, note) = meaning(&held, columns)?;
    Ok((columns.clone().with_labels(labels), note))
}

/// Refuses label columns that are read by position but named in the other order than the responses.
fn in_order(columns: &ColumnNames) -> Result<(), AmbiguousLabels> {
    let (labels, responses) = (&columns.of(Field::Label).paths, &columns.of(Field::Responses).paths);
    let (Some(of_responses), [first, second, ..]) = (order(columns), labels.as_slice()) else { return Ok(()) };
    let Some(of_labels) = order_of(first, second) else { return Ok(()) };
    if (of_labels == NamedOrder::Swapped) == (of_responses == NamedOrder::Swapped) {
        return Ok(());
    }
    let rest = labels.iter().skip(2).map(|path| format!(",{path}")).collect::<String>();
    Err(AmbiguousLabels {
        found: format!(
            "the responses are read from `{}`, and labels by place from `{}`",
            responses.join("`, `"),
            labels.join("`, `")
        ),
        readings: [
            (format!("responses={},{}", responses[1], responses[0]), "the columns of labels stand in the right order".to_owned()),
            (format!("label={second},{first}{rest}:…"), "the columns of responses do".to_owned()),
        ],
    })
}

fn look(held: &mut ColumnValues, row: &Map<String, Value>, paths: &[String]) {
    if held.present.is_empty() {
        held.present = row.keys().cloned().collect();
    }
    let values: Vec<&Value> = paths.iter().filter_map(|path| find(row, path)).collect();
    if values.iter().any(|value| !value.is_null()) {
        let on = values.iter().filter(|value| switch(value) == Some(true)).count();
        held.one_hot &= values.len() == paths.len() && on == 1 && values.iter().all(|value| switch(value).is_some());
    }
    for value in values {
        let Some(text) = scalar(value) else { continue };
        match number(&text) {
            Some(n) => {
                held.least = Some(held.least.map_or(n, |least| least.min(n)));
                held.most = Some(held.most.map_or(n, |most| most.max(n)));
                held.fractions |= n.fract() != 0.0;
                if n.fract() == 0.0 && held.numbers.len() < 1000 {
                    held.numbers.insert(n as i64);
                }
            }
            None if switch(value).is_some() => held.switches = true,
            None => held.words = true,
        }
    }
}

fn meaning(held: &ColumnValues, columns: &ColumnNames) -> Result<(LabelMeaning, Option<String>), AmbiguousLabels> {
    let source = columns.of(Field::Label);
    let listed = source.paths.join(",");
    let swapped = order(columns) == Some(NamedOrder::Swapped);
    let says = |mapping: &str, whose: &str| {
        let note = format!("labels are read as label={listed}:{mapping} ({whose}); --column label={listed}:… says it otherwise");
        parse(mapping).map(|labels| (labels, Some(note)))
    };
    let known = source.paths.iter().map(|path| known(path, &held.present)).collect::<Option<Vec<_>>>().unwrap_or_default();
    if let Some(first) = known.first().filter(|first| !swapped && known.iter().all(|known| known.mapping == first.mapping))
        && !held.words
        && !held.switches
        && (first.mapping != SIGNED || is_signed(held))
        && let Some(settled) = says(first.mapping, first.whose)
    {
        return Ok(settled);
    }
    if held.one_hot
        && !swapped
        && is_one_hot(&source.paths)
        && let Some(settled) = says("one-hot", "a column for each outcome")
    {
        return Ok(settled);
    }
    if (held.least.is_some() || held.switches) && are_scores(&source.paths) {
        let found = format!("`{}` and `{}` hold a number for each response", source.paths[0], source.paths[1]);
        let reading = |which: &str| (format!("label={listed}:{which}"), format!("the {which} one is the better response's"));
        return Err(AmbiguousLabels { found, readings: [reading("higher"), reading("lower")] });
    }
    if swapped && (held.words || held.least.is_some() || held.switches) {
        let [one, other] = [0, 1].map(|place| columns.of(Field::Responses).paths[place].clone());
        return Err(AmbiguousLabels {
            found: format!(
                "the first response is read from `{one}` and the second from `{other}`, and labels say which one is better"
            ),
            readings: [
                (format!("responses={other},{one}"), "labels count the columns by their names".to_owned()),
                (format!("label={listed}:FIRST,SECOND"), format!("FIRST being the label that means `{one}`")),
            ],
        });
    }
    if held.switches {
        let kinds = if held.words || held.least.is_some() { "true, false and other values" } else { "true and false" };
        return Err(either(
            &listed,
            kinds.to_owned(),
            ["true,false", "false,true"],
            ["true means the first", "true means the second"],
        ));
    }
    numbers(held, columns, &listed, says)
}

/// Returns the meaning of numbers, and of words among them.
fn numbers(
    held: &ColumnValues,
    columns: &ColumnNames,
    listed: &str,
    says: impl Fn(&str, &str) -> Option<(LabelMeaning, Option<String>)>,
) -> Result<(LabelMeaning, Option<String>), AmbiguousLabels> {
    let words = |mapping: &str| match parse(mapping) {
        Some(LabelMeaning::Given(tests)) => LabelMeaning::Words(tests),
        _ => LabelMeaning::Open,
    };
    let (Some(least), Some(most)) = (held.least, held.most) else { return Ok((words("1,2,0"), None)) };
    let only = |wanted: &[i64]| !held.fractions && held.numbers.iter().all(|n| wanted.contains(n));
    let from_zero = order(columns) == Some(NamedOrder::FromZero);
    let preference = columns.of(Field::Label).paths.iter().all(|path| path.to_lowercase().contains("preference"));
    if only(&[0, 1, 2]) {
        let two = held.numbers.contains(&2);
        if from_zero && two {
            return Err(either(
                listed,
                shown(held),
                ["0,1,2", "1,2,0"],
                ["0 means the first, and 2 neither", "1 means the first, and 0 neither"],
            ));
        }
        if held.numbers.contains(&0) && !two || from_zero {
            return Err(either(listed, shown(held), ["0,1", "1,0"], ["0 means the first", "1 means the first"]));
        }
        let named = |words: &[&str]| {
            columns.of(Field::Label).paths.iter().any(|path| words.iter().any(|word| path.to_lowercase().contains(word)))
        };
        if named(&["preference_", "_preference", "strength", "margin", "degree"]) {
            let says = ["1 means the first", "all numbers above 0 mean the second, as in HelpSteer"];
            return Err(either(listed, shown(held), ["1,2,0", "<0,>0,0"], says));
        }
        let one_kind = held.numbers.len() == 1 && !held.words;
        let note = format!(
            "all labels in `{listed}` are {least}, read as the {} response; --column label={listed}:FIRST,SECOND says it otherwise",
            if two { "second" } else { "first" }
        );
        return Ok((words("1,2,0"), one_kind.then_some(note)));
    }
    if (least >= 1.0 || held.numbers.contains(&0) && least == 0.0 && held.numbers.iter().all(|n| (0..=2).contains(n)))
        && most <= 2.0
        && preference
        && let Some((LabelMeaning::Given(tests), note)) =
            says("<1.5,>1.5,1.5|0", "a preference from 1 to 2: the side that it is nearer to")
    {
        return Ok((LabelMeaning::Words(tests), note));
    }
    if least < 0.0
        && preference
        && only(&[-3, -2, -1, 0, 1, 2, 3])
        && let Some(settled) = says("<0,>0,0", "HelpSteer: below 0 the first is better, above 0 the second")
    {
        return Ok(settled);
    }
    // Rounded, so that a sum such as 0.1 + 0.2 has no stray digits.
    let middle = if least < 0.0 { 0.0 } else { format!("{:.9e}", (least + most) / 2.0).parse().unwrap_or(0.0) };
    let [low, high] = [format!("<{middle},>{middle},{middle}"), format!(">{middle},<{middle},{middle}")];
    Err(either(listed, shown(held), [&low, &high], ["smaller numbers mean the first", "larger numbers mean the first"]))
}

fn either(listed: &str, found: String, mappings: [&str; 2], says: [&str; 2]) -> AmbiguousLabels {
    let reading = |place: usize| (format!("label={listed}:{}", mappings[place]), says[place].to_owned());
    AmbiguousLabels {
        found: format!("the labels in `{}` are {found}", listed.replace(',', "`, `")),
        readings: [reading(0), reading(1)],
    }
}

/// Describes the numbers in words.
fn shown(held: &ColumnValues) -> String {
    let (least, most) = (held.least.unwrap_or(0.0), held.most.unwrap_or(0.0));
    let words = if held.words { ", and words" } else { "" };
    let listed: Vec<String> = held.numbers.iter().map(i64::to_string).collect();
    if held.fractions || listed.len() > 8 {
        return format!("numbers from {least} to {most}{words}");
    }
    match listed.as_slice() {
        [one] => format!("{one} only{words}"),
        [some @ .., last] => format!("{} and {last} only{words}", some.join(", ")),
        [] => words.trim_start_matches(", and ").to_owned(),
    }
}

/// Returns the documented column with this name, if the row has the other columns of its data set.
fn known(path: &str, present: &[String]) -> Option<&'static DocumentedColumn> {
    let column = path.rsplit('.').next().unwrap_or(path);
    let here = |known: &&DocumentedColumn| known.beside.iter().all(|name| present.iter().any(|column| column == name));
    KNOWN.iter().filter(here).find(|known| known.column == column)
}

/// Returns whether the names of two columns say that each holds a number for one response, and not the word of one rater.
fn are_scores(paths: &[String]) -> bool {
    const RATERS: [&str; 8] = ["rater", "annot", "judge", "human", "label", "vote_", "worker", "expert"];
    let [first, second] = paths else { return false };
    let of_raters = RATERS.iter().any(|word| first.to_lowercase().contains(word));
    let chosen = first.to_lowercase().contains("chosen") && second.to_lowercase().contains("rejected");
    !of_raters && (chosen || matches!(order_of(first, second), Some(NamedOrder::FromOne | NamedOrder::FromZero)))
}

/// Returns whether the names of the columns say that each stands for an outcome, in the order first, second, tie.
fn is_one_hot(paths: &[String]) -> bool {
    const WON: [&str; 5] = ["win", "better", "prefer", "chosen", "best"];
    const TIE: [&str; 5] = ["tie", "draw", "neither", "both", "equal"];
    let has = |path: &String, words: &[&str]| words.iter().any(|word| path.to_lowercase().contains(word));
    let [first, second, rest @ ..] = paths else { return false };
    let named = match rest {
        [] => WON.iter().any(|word| has(first, &[word]) && has(second, &[word])),
        [tie] => has(tie, &TIE),
        _ => false,
    };
    named && matches!(order_of(first, second), Some(NamedOrder::FromOne | NamedOrder::FromZero))
}

fn order(columns: &ColumnNames) -> Option<NamedOrder> {
    let source = columns.of(Field::Responses);
    let [first, second] = source.paths.as_slice() else { return None };
    if source.several != ColumnRule::Each {
        return None;
    }
    order_of(first, second)
}
