//! Labels that can mean two things -> the error with the column spec of each meaning.

use std::collections::BTreeSet;

use super::{
    columns::{ColumnNames, ColumnRule, Field},
    label_values::ColumnValues,
    label_words::{mark, turned, with_mark, word},
    labels::{named_column, writers},
    meaning::{is_of_rater, is_of_tie},
    sides::{SideMark, marks_of},
};

/// Labels with two possible meanings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AmbiguousLabels {
    /// Content of the columns.
    pub(super) found: String,
    /// For each reading: the column spec that selects it, and its description.
    pub(super) readings: [(String, String); 2],
}

/// Returns the error for labels of the columns `listed` that two mappings fit.
pub(super) fn either(listed: &str, found: String, mappings: [&str; 2], says: [&str; 2]) -> AmbiguousLabels {
    let reading = |place: usize| (format!("label={listed}:{}", mappings[place]), says[place].to_owned());
    AmbiguousLabels {
        found: format!("the labels in `{}` are {found}", listed.replace(',', "`, `")),
        readings: [reading(0), reading(1)],
    }
}

/// Returns the error for a column of labels whose name says the worse response with `said`.
pub(super) fn of_worse(held: &ColumnValues, columns: &ColumnNames, said: &str) -> AmbiguousLabels {
    let listed = columns.of(Field::Label).paths.join(",");
    let [first, second, tie] = sides(held, columns);
    let [right, turned] = [[&first, &second, &tie], [&second, &first, &tie]].map(|sides| written(sides.map(Clone::clone)));
    AmbiguousLabels {
        found: format!("the name of `{}` says `{said}`, and labels say the better response", listed.replace(',', "`, `")),
        readings: [
            (format!("label={listed}:{turned}"), "its values name the worse response".to_owned()),
            (format!("label={listed}:{right}"), "they name the better one".to_owned()),
        ],
    }
}

/// Returns the error for columns of outcomes whose names say the worse response with `said`.
pub(super) fn of_worse_outcomes(paths: &[String], said: &str) -> AmbiguousLabels {
    let rest = paths.iter().skip(2).map(|path| format!(",{path}")).collect::<String>();
    let spec = |one: usize, other: usize| format!("label={},{}{rest}:one-hot", paths[one], paths[other]);
    AmbiguousLabels {
        found: format!("the names of `{}` say `{said}`, and labels say the better response", paths.join("`, `")),
        readings: [(spec(1, 0), "a 1 marks the worse response".to_owned()), (spec(0, 1), "a 1 marks the better one".to_owned())],
    }
}

/// Returns the error for columns that probably hold a mark or a number for each outcome, although their names do not say so: a 1 in exactly one of
/// them in every row, or numbers in two columns.
pub(super) fn of_each(held: &ColumnValues, paths: &[String], worse: Option<&str>) -> Option<AmbiguousLabels> {
    let numeric = held.words.is_empty() && (held.least.is_some() || held.switches);
    // Three columns may be those of three raters.
    let outcomes = paths.len() == 2 || paths.len() == 3 && is_of_tie(&paths[2]);
    if !numeric || !outcomes || paths.iter().any(|path| is_of_rater(path)) {
        return None;
    }
    let listed = paths.join(",");
    let names = paths.join("`, `");
    let of_name = worse.map_or_else(String::new, |said| format!(" (the names say `{said}`)"));
    let reading = |columns: &str, how: &str, says: &str| (format!("label={columns}:{how}"), says.to_owned());
    if held.one_hot {
        let other = match paths {
            [first, second] => reading(&format!("{second},{first}"), "one-hot", "the 1 marks the worse response"),
            _ => reading(&listed, "1,0", "each column is the word of one rater, and 1 means the first"),
        };
        let what =
            if paths.len() == 2 { "the 1 marks the better response" } else { "they stand for the first, the second and neither" };
        return Some(AmbiguousLabels {
            found: format!("each row has a 1 in exactly one of `{names}`{of_name}"),
            readings: [reading(&listed, "one-hot", what), other],
        });
    }
    // 1 and 2 are the words of two raters.
    let counts = held.only(&[0, 1, 2]) && !held.only(&[0, 1]);
    (paths.len() == 2 && !held.switches && !counts).then(|| AmbiguousLabels {
        found: format!("`{names}` hold numbers ({}), perhaps one for each response{of_name}", held.shown()),
        readings: ["higher", "lower"].map(|which| reading(&listed, which, &format!("the {which} one is the better response's"))),
    })
}

/// Returns the letters or numbers by which the two response columns are named.
pub(super) fn own_marks(columns: &ColumnNames) -> Option<[SideMark; 2]> {
    let source = columns.of(Field::Responses);
    match source.paths.as_slice() {
        [first, second] if source.several == ColumnRule::Each => marks_of(first, second),
        _ => None,
    }
}

/// Returns the error for labels such as `Response 1` beside columns that are numbered from 0: it may be the column's own number, or counted from 1.
pub(super) fn counted(held: &ColumnValues, columns: &ColumnNames) -> Option<AmbiguousLabels> {
    const FROM_ZERO: [SideMark; 2] = [SideMark::Number(0), SideMark::Number(1)];
    let own = own_marks(columns);
    let named: Vec<(&String, SideMark)> = held
        .words
        .iter()
        .filter(|text| named_column(columns, text).is_none())
        .filter_map(|text| Some((text, mark(text)?)))
        .collect();
    for usual in [SideMark::Letter('a').usual(), SideMark::Number(1).usual()] {
        let of_kind = |mark: &SideMark| mark.usual() == usual;
        let said: BTreeSet<SideMark> = named.iter().map(|(_, mark)| *mark).filter(of_kind).collect();
        let own = match own.filter(|own| of_kind(&own[0])) {
            // Where 2 is named, 1 and 2 are counted from 1.
            Some(FROM_ZERO) if said.contains(&usual[1]) && said.iter().all(|mark| usual.contains(mark)) => continue,
            Some(own) if own != usual && !said.is_empty() => own,
            None if said.contains(&FROM_ZERO[0]) => FROM_ZERO,
            _ => continue,
        };
        let mapping = |marks: [SideMark; 2]| {
            let others = held.words.iter().filter(|text| !named.iter().any(|(named, mark)| named == text && of_kind(mark)));
            let mut sides: [BTreeSet<String>; 3] = Default::default();
            for text in others {
                if let Some(side) = named_column(columns, text).or_else(|| word(text)) {
                    sides[side].insert(text.clone());
                }
            }
            for (text, _) in named.iter().filter(|(_, mark)| of_kind(mark)) {
                for (side, mark) in marks.into_iter().enumerate() {
                    sides[side].extend(with_mark(text, mark));
                }
            }
            written(sides)
        };
        let listed = columns.of(Field::Label).paths.join(",");
        let shown = named.iter().find(|(_, mark)| of_kind(mark)).map_or("", |(text, _)| text.as_str());
        let [first, second] = own;
        return Some(AmbiguousLabels {
            found: format!("a label in `{}` is `{shown}`", listed.replace(',', "`, `")),
            readings: [
                (format!("label={listed}:{}", mapping(own)), format!("the responses are {first} and {second}")),
                (format!("label={listed}:{}", mapping(usual)), format!("they are counted from {}", usual[0])),
            ],
        });
    }
    None
}

/// Returns the values that mean the first, the second and neither, and for a value of one side also that of the other side.
fn sides(held: &ColumnValues, columns: &ColumnNames) -> [BTreeSet<String>; 3] {
    let mut sides: [BTreeSet<String>; 3] = Default::default();
    if held.least.is_some() {
        for (number, side) in ["1", "2"].into_iter().zip(&mut sides) {
            side.insert(number.to_owned());
        }
    }
    let paths = &columns.of(Field::Responses).paths;
    for text in &held.words {
        if named_column(columns, text).is_some() {
            let name = |path: &String| path.rsplit('.').next().unwrap_or(path).to_owned();
            for (path, side) in paths.iter().zip(&mut sides) {
                side.insert(name(path));
            }
        } else if let Some(side) = word(text) {
            sides[side].insert(text.clone());
            if side < 2 {
                sides[1 - side].extend(turned(text));
            }
        } else if let Some(pair) = writers(|name| held.present.iter().any(|column| column == name)) {
            for (name, side) in pair.iter().zip(&mut sides) {
                side.insert((*name).to_owned());
            }
        }
    }
    sides
}

/// Returns a mapping in the notation after the colon. Values that it cannot hold are left out, and are errors where they stand.
fn written(sides: [BTreeSet<String>; 3]) -> String {
    const MOST: usize = 6;
    let fits =
        |text: &&String| text.len() <= 60 && !text.contains([',', '|', ':', '\'', '"', '\n']) && !text.starts_with(['<', '>']);
    let side = |texts: &BTreeSet<String>| texts.iter().filter(fits).take(MOST).cloned().collect::<Vec<_>>().join("|");
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let [first, second, tie] = sides.each_ref().map(side);
    let tie = if tie.is_empty() { tie } else { format!(",{tie}") };
    format!("{},{}{tie}", or(first, "FIRST"), or(second, "SECOND"))
}
