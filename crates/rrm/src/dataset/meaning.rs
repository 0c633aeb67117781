//! All values of the label columns of a file -> their meaning, or an error that names two possible ones, before anything is spent.
//!
//! A value such as 0 means different things in different data sets. The column names of known data sets settle the meaning; if two readings fit, the
//! file is refused with the column spec of each.

use std::{path::Path, sync::Arc};

use super::{
    column_words::{NamedSize, says_size, says_worse},
    columns::{ColumnNames, ColumnRule, Field},
    label_values::ColumnValues,
    labels::{LabelMeaning, parse},
    readings::{AmbiguousLabels, counted, either, of_each, of_worse, of_worse_outcomes, own_marks},
    rows,
    sides::{NamedOrder, SideMark, order_of},
};

/// Columns whose meaning is documented by the authors of a data set.
struct DocumentedColumn {
    columns: &'static [&'static str],
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

const KNOWN: [DocumentedColumn; 9] = [
    DocumentedColumn {
        columns: &["annotator1", "annotator2", "annotator3"],
        beside: &["response1", "response2", "annotator1", "annotator2", "annotator3"],
        mapping: "1,2,0",
        whose: "PandaLM: 0 where neither is better",
    },
    DocumentedColumn {
        columns: &["label"],
        beside: &["scenario", "response 1", "response 2"],
        mapping: "0,1,2",
        whose: "Auto-J: 0 where the first is better, 2 where neither is",
    },
    DocumentedColumn {
        columns: &["better_response_id"],
        beside: &["response_0", "response_1"],
        mapping: "0,1",
        whose: "PKU-SafeRLHF: the better one's number",
    },
    DocumentedColumn {
        columns: &["safer_response_id"],
        beside: &["response_0", "response_1"],
        mapping: "0,1",
        whose: "PKU-SafeRLHF: the safer one's number",
    },
    DocumentedColumn {
        columns: &["labels"],
        beside: &["human_ref_A", "human_ref_B"],
        mapping: "1,0",
        whose: "SHP: 1 where A is preferred",
    },
    DocumentedColumn {
        columns: &["choice"],
        beside: &["summaries"],
        mapping: "0,1",
        whose: "summarize_from_feedback: the chosen one's place",
    },
    DocumentedColumn {
        columns: &["preference_strength"],
        beside: &[],
        mapping: SIGNED,
        whose: "HelpSteer: below 0 the first is better, above 0 the second",
    },
    DocumentedColumn {
        columns: &["score"],
        beside: &["individual_preference"],
        mapping: SIGNED,
        whose: "HelpSteer: below 0 the first is better, above 0 the second",
    },
    DocumentedColumn {
        columns: &["overall_preference"],
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
    // Of columns that are named after the worse response, the second is that of the first response.
    let by_place = matches!(columns.labels, LabelMeaning::OneHot | LabelMeaning::Compared(_));
    if source.given && by_place && !source.paths.iter().take(2).any(|path| says_worse(path).is_some()) {
        in_order(columns)?;
    }
    if !source.given || columns.labels != LabelMeaning::Open {
        return Ok((columns.clone(), None));
    }
    let mut held = ColumnValues::new();
    for (path, name) in files {
        let Ok(rows) = rows::open(path, name) else { continue };
        let mut alone = ColumnValues::new();
        for (_, row) in rows.flatten() {
            held.add(&row, &source.paths);
            alone.add(&row, &source.paths);
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
        && held.words.is_empty()
        && !held.switches
        && (first.mapping != SIGNED || is_signed(held))
        && let Some(settled) = says(first.mapping, first.whose)
    {
        return Ok(settled);
    }
    if held.one_hot && !swapped && is_one_hot(&source.paths) {
        // The third column may be that of two bad responses.
        if let Some(said) = source.paths.iter().take(2).find_map(|path| says_worse(path)) {
            return Err(of_worse_outcomes(&source.paths, &said));
        }
        if let Some(settled) = says("one-hot", "a column for each outcome") {
            return Ok(settled);
        }
    }
    if (held.least.is_some() || held.switches) && are_scores(&source.paths) {
        let found = format!("`{}` and `{}` hold a number for each response", source.paths[0], source.paths[1]);
        let reading = |which: &str| (format!("label={listed}:{which}"), format!("the {which} one is the better response's"));
        return Err(AmbiguousLabels { found, readings: [reading("higher"), reading("lower")] });
    }
    if swapped && held.any() {
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
    let worse = source.paths.iter().find_map(|path| says_worse(path));
    if let Some(said) = worse.as_ref().filter(|_| held.any() && held.only(&[1, 2]) && !held.switches) {
        return Err(of_worse(held, columns, said));
    }
    if let Some(ambiguous) = counted(held, columns) {
        return Err(ambiguous);
    }
    if let Some(ambiguous) = of_each(held, &source.paths, worse.as_deref()) {
        return Err(ambiguous);
    }
    if held.switches {
        let kinds =
            if !held.words.is_empty() || held.least.is_some() { "true, false and other values" } else { "true and false" };
        let mappings = ["true,false", "false,true"];
        let says = ["true means the first", "true means the second"];
        let readings = either(&listed, kinds.to_owned() + &of_name(worse.as_deref()), mappings, says);
        return Err(of_named(readings, worse.as_deref(), mappings));
    }
    numbers(held, columns, (&listed, worse.as_deref()), says)
}

/// Says of each mapping which response its first value makes the worse one, where the name of a column says the worse response.
fn of_named(mut readings: AmbiguousLabels, worse: Option<&str>, mappings: [&str; 2]) -> AmbiguousLabels {
    if worse.is_some() {
        for (reading, mapping) in readings.readings.iter_mut().zip(mappings) {
            let value = mapping.split([',', '|']).next().unwrap_or_default();
            reading.1 = format!("{value} says that the second response is the worse one");
        }
    }
    readings
}

/// Says that a name says the worse response, for messages.
fn of_name(worse: Option<&str>) -> String {
    worse.map_or_else(String::new, |said| format!(", in a column whose name says `{said}` (a mapping gives the better response)"))
}

/// Returns the meaning of numbers, and of words among them, in the columns `listed`, whose name says the worse response with `worse`.
fn numbers(
    held: &ColumnValues,
    columns: &ColumnNames,
    (listed, worse): (&str, Option<&str>),
    says: impl Fn(&str, &str) -> Option<(LabelMeaning, Option<String>)>,
) -> Result<(LabelMeaning, Option<String>), AmbiguousLabels> {
    let words = |mapping: &str| match parse(mapping) {
        Some(LabelMeaning::Given(tests)) => LabelMeaning::Words(tests),
        _ => LabelMeaning::Open,
    };
    let (Some(least), Some(most)) = (held.least, held.most) else { return Ok((words("1,2,0"), None)) };
    let either = |mappings: [&str; 2], says| {
        Err(of_named(either(listed, held.shown() + &of_name(worse), mappings, says), worse, mappings))
    };
    let paths = &columns.of(Field::Label).paths;
    let preference = worse.is_none() && paths.iter().all(|path| path.to_lowercase().contains("preference"));
    if held.only(&[0, 1, 2]) {
        let [zero, two] = [0, 2].map(|n| held.numbers.contains(&n));
        let own = own_marks(columns).filter(|own| matches!(own[0], SideMark::Number(_)) && *own != own[0].usual());
        let from_zero = order(columns) == Some(NamedOrder::FromZero);
        // PandaLM and many others say 0 for neither, Auto-J says 2.
        if two && (zero || from_zero) {
            return either(["0,1,2", "1,2,0"], ["0 means the first, and 2 neither", "1 means the first, and 0 neither"]);
        }
        if zero || from_zero {
            return either(["0,1", "1,0"], ["0 means the first", "1 means the first"]);
        }
        if let Some([first, second]) = own {
            return either([&format!("{first},{second}"), "1,2"], ["they are the numbers of the columns", "1 means the first"]);
        }
        match paths.iter().find_map(|path| says_size(path)) {
            Some(NamedSize::Difference) => {
                return either(["<0,>0,0", ">0,<0,0"], ["numbers above 0 mean the second", "numbers above 0 mean the first"]);
            }
            Some(NamedSize::Scale) => {
                return either(
                    ["1,2,0", "<0,>0,0"],
                    ["1 means the first", "all numbers above 0 mean the second, as in HelpSteer"],
                );
            }
            None => {}
        }
        let one_kind = held.numbers.len() == 1 && held.words.is_empty();
        let note = format!(
            "all labels in `{listed}` are {least}, read as the {} response; --column label={listed}:FIRST,SECOND says it otherwise",
            if two { "second" } else { "first" }
        );
        return Ok((words("1,2,0"), one_kind.then_some(note)));
    }
    if least >= 0.0
        && most <= 2.0
        && !held.below_one
        && preference
        && let Some((LabelMeaning::Given(tests), note)) =
            says("<1.5,>1.5,1.5|0", "a preference from 1 to 2: the side that it is nearer to")
    {
        return Ok((LabelMeaning::Words(tests), note));
    }
    if least < 0.0
        && preference
        && held.only(&[-3, -2, -1, 0, 1, 2, 3])
        && let Some(settled) = says("<0,>0,0", "HelpSteer: below 0 the first is better, above 0 the second")
    {
        return Ok(settled);
    }
    // Rounded, so that a sum such as 0.1 + 0.2 has no stray digits.
    let middle = if least < 0.0 { 0.0 } else { format!("{:.9e}", (least + most) / 2.0).parse().unwrap_or(0.0) };
    let [low, high] = [format!("<{middle},>{middle},{middle}"), format!(">{middle},<{middle},{middle}")];
    either([&low, &high], ["smaller numbers mean the first", "larger numbers mean the first"])
}

/// Returns the documented column with this name, if the row has the other columns of its data set.
fn known(path: &str, present: &[String]) -> Option<&'static DocumentedColumn> {
    let column = path.rsplit('.').next().unwrap_or(path);
    let here = |known: &&DocumentedColumn| known.beside.iter().all(|name| present.iter().any(|column| column == name));
    KNOWN.iter().filter(here).find(|known| known.columns.contains(&column))
}

/// Returns whether the name of a column says that it is the word of one rater.
pub(super) fn is_of_rater(name: &str) -> bool {
    const RATERS: [&str; 8] = ["rater", "annot", "judge", "human", "label", "vote_", "worker", "expert"];
    RATERS.iter().any(|word| name.to_lowercase().contains(word))
}

/// Returns whether the names of two columns say that each holds a number for one response, and not the word of one rater.
fn are_scores(paths: &[String]) -> bool {
    let [first, second] = paths else { return false };
    let of_raters = is_of_rater(first);
    let chosen = first.to_lowercase().contains("chosen") && second.to_lowercase().contains("rejected");
    !of_raters && (chosen || matches!(order_of(first, second), Some(NamedOrder::FromOne | NamedOrder::FromZero)))
}

/// Returns whether the names of the columns say that each stands for an outcome, in the order first, second, tie.
fn is_one_hot(paths: &[String]) -> bool {
    const WON: [&str; 5] = ["win", "better", "prefer", "chosen", "best"];
    let has = |path: &String, words: &[&str]| words.iter().any(|word| path.to_lowercase().contains(word));
    let [first, second, rest @ ..] = paths else { return false };
    let named = match rest {
        [] => WON.iter().any(|word| has(first, &[word]) && has(second, &[word])),
        [tie] => is_of_tie(tie),
        _ => false,
    };
    named && matches!(order_of(first, second), Some(NamedOrder::FromOne | NamedOrder::FromZero))
}

/// Returns whether the name of a column says that it stands for a tie.
pub(super) fn is_of_tie(name: &str) -> bool {
    const TIE: [&str; 5] = ["tie", "draw", "neither", "both", "equal"];
    TIE.iter().any(|word| name.to_lowercase().contains(word))
}

fn order(columns: &ColumnNames) -> Option<NamedOrder> {
    let source = columns.of(Field::Responses);
    let [first, second] = source.paths.as_slice() else { return None };
    if source.several != ColumnRule::Each {
        return None;
    }
    order_of(first, second)
}
