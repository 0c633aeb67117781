//! What holds for all answers: symmetry, transitivity, layout that says nothing, digits that do, no panic.

use std::fs;

use proptest::prelude::*;
use rrm_verify::{Outcome, VerifyOptions, equal, verify};

use crate::same;

/// The list of answers in the forms of competitions.
fn pool() -> Vec<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers/latex.txt")).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Answers of which many are the same in other words. What only one of two states (a unit, a percent sign, a name) is filled in from the other, and
/// decimals are rounded: neither is transitive, so these forms are not in it.
fn forms() -> Vec<&'static str> {
    vec![
        "\\frac{1}{2}",
        "0.5",
        "\\frac{2}{4}",
        "1/2",
        "\\sin 30^\\circ",
        "\\cos\\frac{\\pi}{3}",
        "2^{-1}",
        "\\frac{1}{3}",
        "0.\\overline{3}",
        "0.(3)",
        "2/6",
        "\\sqrt{2}",
        "2^{1/2}",
        "\\sqrt[4]{4}",
        "\\frac{2}{\\sqrt{2}}",
        "1",
        "\\sqrt{1}",
        "\\ln e",
        "1.0",
        "x+1",
        "1+x",
        "\\frac{x^2-1}{x-1}",
        "(x+1)",
        "|x|",
        "\\sqrt{x^2}",
        "x",
        "-x",
        "(1,2)",
        "[1,2]",
        "1, 2",
        "2, 1",
        "\\{1,2\\}",
        "\\{2,1,1\\}",
        "(2,1)",
        "1<x<2",
        "2>x>1",
        "1\\le x\\le 2",
        "(1,2)\\cup(3,4)",
        "(3,4)\\cup(1,2)",
        "[1,1.5]\\cup[1.5,2]",
        "\\infty",
        "-\\infty",
        "\\emptyset",
        "\\{\\}",
        "\\text{no solution}",
        "A",
        "(A)",
        "a",
        "B",
        "BCA",
        "ABC",
        "\\text{red}",
        "red",
        "Red",
        "x^2+y^2=1",
        "2x^2+2y^2=2",
        "y=2x+1",
        "2x-y+1=0",
        "\\mathbb{R}",
        "(-\\infty,\\infty)",
        "x\\ne 2",
        "(-\\infty,2)\\cup(2,\\infty)",
        "\\mathbb{R}\\setminus\\{2\\}",
        "2:3",
        "4:6",
        "i",
        "\\sqrt{-1}",
        "\\pm 1",
        "1, -1",
        "\\{-1,1\\}",
        "10^{400}",
        "10^{400}+1",
        "2004!",
        "\\binom{n}{2}",
        "\\frac{n(n-1)}{2}",
        "\\sum_{k=1}^{n-1} k",
        "5 \\text{ km}",
        "5000 \\text{ m}",
        "2 \\text{ hours } 30 \\text{ minutes}",
        "150 \\text{ minutes}",
        "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
        "\\begin{bmatrix}1\\\\2\\end{bmatrix}",
        "\\log_2 8",
        "3",
        "three",
        "\\text{three}",
        "1,2",
        "12",
        "1,200",
        "1200",
        "3,5",
        "3.5",
    ]
}

#[test]
fn equal_is_symmetric() {
    let mut all = pool();
    all.extend(forms().into_iter().map(str::to_owned));
    let mut differ = Vec::new();
    // All pairs of the forms, and every answer of the list beside some others.
    for (at, one) in all.iter().enumerate() {
        let step = if at + 200 > all.len() { 1 } else { 37 };
        for other in all[at..].iter().step_by(step) {
            let (there, back) = (same(one, other), same(other, one));
            if (there == Outcome::Equal) != (back == Outcome::Equal) || (there == Outcome::Unequal) != (back == Outcome::Unequal)
            {
                differ.push(format!("{one} | {other} | {there:?} | {back:?}"));
            }
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}

#[test]
fn equal_is_transitive() {
    let all = forms();
    let table: Vec<Vec<bool>> =
        all.iter().map(|one| all.iter().map(|other| same(one, other) == Outcome::Equal).collect()).collect();
    let mut broken = Vec::new();
    let mut pairs = 0;
    for (a, row) in table.iter().enumerate() {
        for (b, _) in row.iter().enumerate().filter(|(b, same)| **same && *b != a) {
            pairs += 1;
            for (c, _) in table[b].iter().enumerate().filter(|(c, same)| **same && !row[*c]) {
                broken.push(format!("{} = {} = {}, but the first is not the last", all[a], all[b], all[c]));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(pairs > 80, "{pairs} pairs are equal");
}

#[test]
fn every_answer_equals_itself() {
    let unequal: Vec<_> = pool().into_iter().filter(|one| same(one, one) != Outcome::Equal).collect();
    assert!(unequal.is_empty(), "{unequal:?}");
}

/// The places at which layout may stand: not inside of a command, a number or a word.
fn places(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let inside = |at: usize| {
        let (before, after) = (bytes[at - 1], bytes[at]);
        // `{,}` of thousands is one sign, and so is the name of an environment.
        let one = text[..at].ends_with("{") && text[at..].starts_with(",}")
            || text[..at].ends_with("{,")
            || text[..at].ends_with(",\\!");
        let word = |b: u8| b.is_ascii_alphabetic();
        let number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b',');
        // `\left(` and `\text{...}` keep what belongs to them, and so does a sign behind a backslash.
        (word(before) && word(after))
            || (number(before) && number(after))
            || before == b'\\'
            || one
            || text[..at].matches("\\text").count() > 0
            || text[..at].matches("\\mbox").count() > 0
            || text[..at].matches("\\textbf").count() > 0
    };
    (1..text.len()).filter(|at| text.is_char_boundary(*at) && !inside(*at)).collect()
}

#[test]
fn layout_changes_nothing() {
    let mut changed = Vec::new();
    let mut tried = 0;
    for answer in pool() {
        let boxed =
            |inside: &str| verify(&format!("\\boxed{{{answer}}}"), &format!("\\boxed{{{inside}}}"), &VerifyOptions::default());
        let mut spelled: Vec<String> =
            vec![format!("${answer}$"), format!(" {answer} "), answer.replace('(', "\\left(").replace(')', "\\right)")];
        for (nth, at) in places(&answer).into_iter().enumerate() {
            // A space between a command and its letters, between braces, around signs.
            let space = if nth % 2 == 0 { " " } else { "\\," };
            let behind_command =
                answer[..at].rfind('\\').is_some_and(|slash| answer[slash + 1..at].bytes().all(|b| b.is_ascii_alphabetic()));
            let script = answer[..at].ends_with(['^', '_']) || answer[at..].starts_with(['^', '_', '\'', '!']);
            if space == "\\," && (behind_command || script || answer[..at].ends_with('}') || answer[at..].starts_with('{')) {
                continue;
            }
            spelled.push(format!("{}{space}{}", &answer[..at], &answer[at..]));
        }
        for inside in spelled {
            tried += 1;
            let outcome = boxed(&inside);
            if outcome != Outcome::Equal {
                changed.push(format!("{answer} | {inside} | {outcome:?}"));
            }
        }
    }
    assert!(changed.is_empty(), "{} of {tried}: {changed:#?}", changed.len());
    assert!(tried > 5000, "{tried}");
}

#[test]
fn another_digit_is_another_number() {
    let mut equal_still = Vec::new();
    let mut tried = 0;
    let more = [
        "12345678901234567890123",
        "9999999999.5",
        "123456789012.34",
        "0.00000000001234",
        "1,234,567",
        "\\frac{123456789}{987654321}",
        "2^{2024}-1",
        "\\sqrt{10^{20}+1}",
        "\\binom{200}{100}",
        "10^{12}x+1",
        "3.14159265358979",
        "-0.5",
        "1e-12",
    ];
    for answer in pool().into_iter().chain(more.map(str::to_owned)) {
        // Another digit may give the same number here: sin 2π/5 is sin 3π/5, and the ceiling of 7.2 is that of 7.3.
        if ["\\sin", "\\cos", "\\tan", "binom", "ceil", "floor"].iter().any(|function| answer.contains(function)) {
            continue;
        }
        for (at, digit) in answer.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            for next in [1, 5] {
                let changed = char::from_digit((digit.to_digit(10).unwrap() + next) % 10, 10).unwrap();
                let other = format!("{}{changed}{}", &answer[..at], &answer[at + 1..]);
                tried += 1;
                if same(&answer, &other) == Outcome::Equal {
                    equal_still.push(format!("{answer} | {other}"));
                }
            }
        }
    }
    assert!(equal_still.is_empty(), "{equal_still:#?}");
    assert!(tried > 2000, "{tried}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_is_too_odd(gold: String, said: String) {
        verify(&gold, &said, &VerifyOptions::default());
        verify("\\frac{1}{2}", &said, &VerifyOptions::default());
    }

    #[test]
    fn no_notation_is_too_odd(
        parts in proptest::collection::vec("(\\\\frac|\\\\sqrt|\\\\boxed|\\{|\\}|\\(|\\)|\\[|\\]|\\$|\\\\begin\\{pmatrix\\}|\\\\begin\\{cases\\}|\\\\end\\{pmatrix\\}|&|\\\\\\\\|\\^|_|!|,|;|:|=|<|\\\\in|\\\\cup|\\\\pm|\\\\text\\{|\\||-|\\+|/|%|[0-9]{1,3}|[a-z]| |\\\\sin|\\\\sum|\\\\int|½|²|∞|million|and|not|e9999)", 0..60)
    ) {
        let text = parts.concat();
        verify(&text, &text, &VerifyOptions::default());
        verify("x+1", &text, &VerifyOptions::default());
        let (there, back) = (same(&text, "x+1"), same("x+1", &text));
        prop_assert_eq!(there == Outcome::Equal, back == Outcome::Equal);
    }

    #[test]
    fn whole_numbers_are_equal_digit_by_digit(number in "-?[1-9][0-9]{0,40}", at in 0usize..41, by in 1u8..9) {
        let mut digits: Vec<u8> = number.bytes().collect();
        let at = at % digits.len();
        prop_assume!(digits[at].is_ascii_digit());
        digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
        let other = String::from_utf8(digits).unwrap();
        prop_assert_eq!(equal(&number, &number, &VerifyOptions::default()), Outcome::Equal);
        prop_assert_eq!(equal(&number, &other, &VerifyOptions::default()), Outcome::Unequal);
    }

    #[test]
    fn fractions_are_equal_as_they_are_reduced(over in 1u64..1_000_000, under in 1u64..1_000_000, times in 2u64..1_000_000) {
        let (plain, times_over) = (format!("\\frac{{{over}}}{{{under}}}"), format!("{}/{}", over * times, under * times));
        prop_assert_eq!(same(&plain, &times_over), Outcome::Equal);
        prop_assert_eq!(same(&plain, &format!("{}/{}", over * times + 1, under * times)), Outcome::Unequal);
    }
}
