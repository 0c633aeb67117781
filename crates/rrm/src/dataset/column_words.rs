//! The name of a column -> whether it says the opposite of what its values are read as: who is worse, how bad, how much.

use super::{
    sides::parts,
    worse_words::{WORSE, WORSE_ABROAD, WORSE_PAIRS, WORSE_WHOLE},
};

/// Words that are places and may be those of a winner: `winner_position`.
const PLACES: [&str; 7] = ["order", "place", "position", "rank", "ranked", "ranking", "ranks"];

/// Words that turn the meaning of the next word round.
const NOT: [&str; 19] = [
    "anti", "dis", "few", "fewer", "fewest", "inverse", "inverted", "least", "less", "low", "lower", "lowest", "minus", "neg",
    "no", "non", "not", "un", "without",
];

/// Words for the better response.
const BETTER: [&str; 24] = [
    "best",
    "better",
    "choice",
    "choose",
    "chosen",
    "favorite",
    "favourite",
    "label",
    "labels",
    "pick",
    "picked",
    "prefer",
    "preferred",
    "safer",
    "selected",
    "stronger",
    "superior",
    "verdict",
    "vote",
    "win",
    "winner",
    "winning",
    "wins",
    "won",
];

/// Words for a size: a difference, a strength, or a mark on a scale.
const SIZES: [&str; 31] = [
    "agreement",
    "certainty",
    "confidence",
    "degree",
    "delta",
    "diff",
    "difference",
    "differential",
    "diffs",
    "gap",
    "grade",
    "importance",
    "intensity",
    "level",
    "likert",
    "magnitude",
    "margin",
    "percent",
    "percentage",
    "points",
    "probability",
    "rating",
    "ratings",
    "ratio",
    "scale",
    "score",
    "scores",
    "severity",
    "stars",
    "strength",
    "weight",
];

/// Words of differences among [`SIZES`]: numbers of both signs mean both responses, in an order that only the author knows.
const DIFFERENCES: [&str; 7] = ["delta", "diff", "difference", "differential", "diffs", "gap", "margin"];

/// Words that leave the meaning to the part of a path before them: `loser.id`.
const PLAIN: [&str; 16] = [
    "answer", "id", "idx", "index", "key", "model", "name", "number", "output", "response", "result", "side", "text", "the",
    "title", "value",
];

/// Words for numbers of which the highest is the best.
const HIGHER: [&str; 14] = [
    "accuracy", "bleu", "elo", "grade", "likes", "quality", "rating", "ratings", "reward", "rewards", "score", "scores", "stars",
    "upvotes",
];

/// Returns the lower-case words of the part of a dotted path that tells the meaning.
fn words(path: &str) -> Vec<String> {
    let lower = |part: &str| parts(part).iter().map(|word| word.to_lowercase()).collect::<Vec<_>>();
    let plain = |words: &Vec<String>| {
        words.iter().all(|word| PLAIN.contains(&word.as_str()) || word.parse::<u32>().is_ok() || word.len() == 1)
    };
    path.rsplit('.').map(lower).find(|words| !plain(words)).unwrap_or_default()
}

fn is_worse(word: &str) -> bool {
    // `flawless` and `harmless` are good.
    let stems = || WORSE.iter().chain(&WORSE_ABROAD);
    let begun = |word: &str| stems().any(|stem| word.starts_with(stem)) && !word.ends_with("less");
    // Names without a mark between their words: `isincorrect`, `numerrors`.
    let inside = ["is", "has", "num"].iter().filter_map(|head| word.strip_prefix(head)).any(begun);
    begun(word) || inside || WORSE_WHOLE.contains(&word)
}

/// Returns the words of a name that say the worse response, or a number of which the lowest is the best: `worse` of `worse_response`, `less safe` of
/// `less_safe`. Words that take each other back, as in `non_toxic` or `error_free`, say nothing.
pub(crate) fn says_worse(path: &str) -> Option<String> {
    let words = words(path);
    let of_winner = words.iter().any(|word| BETTER.contains(&word.as_str()));
    let mut rest = words.iter().map(String::as_str).peekable();
    while let Some(word) = rest.next() {
        let turns = NOT.contains(&word) || word == "negative";
        match rest.peek() {
            Some(next) if turns && is_worse(next) => {
                rest.next();
            }
            // `winner_no_tie` names the better response.
            Some(next) if of_winner && ["no", "without"].contains(&word) && !BETTER.contains(next) => {
                rest.next();
            }
            Some(next) if turns || WORSE_PAIRS.contains(&[word, *next]) => return Some(format!("{word} {next}")),
            Some(&"free") if is_worse(word) => {
                rest.next();
            }
            _ if is_worse(word) && !(of_winner && PLACES.contains(&word)) => return Some(word.to_owned()),
            _ => {}
        }
    }
    None
}

/// The kind of number that the name of a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedSize {
    /// The difference of two numbers.
    Difference,
    /// A strength, or a mark on a scale.
    Scale,
}

/// Returns the kind of number that a name says if it is no winner's: `score_diff`, `strength`, `overall_preference`. `preference` alone says none.
pub(super) fn says_size(path: &str) -> Option<NamedSize> {
    let words = words(path);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // In HelpSteer and files like it, a preference of some kind has a strength.
    let preference = has(&["preference", "preferences"]) && words.len() > 1;
    let overall = has(&["overall"]) && !has(&BETTER);
    if has(&DIFFERENCES) {
        Some(NamedSize::Difference)
    } else if has(&SIZES) || overall || preference {
        Some(NamedSize::Scale)
    } else {
        None
    }
}

/// Returns the word of a name that says a number of which the highest is the best.
pub(super) fn says_higher(path: &str) -> Option<String> {
    let worse = says_worse(path).is_some();
    words(path).into_iter().find(|word| !worse && HIGHER.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_worse_response_or_a_number_whose_lowest_is_best() {
        for name in [
            "rej",
            "nonwinner",
            "vetoed",
            "schlecht",
            "差",
            "loser",
            "Loser",
            "loser_id",
            "loser.id",
            "loser.0.name",
            "worse",
            "worse_response",
            "worseResponse",
            "worst",
            "rejected_id",
            "rejectedId",
            "rejected_response",
            "dispreferred",
            "dispreferred_response_id",
            "non_preferred",
            "not_preferred",
            "notChosen",
            "less_preferred",
            "least_helpful",
            "less_safe",
            "unsafe_response",
            "incorrect",
            "incorrect_response",
            "isIncorrect",
            "isincorrect",
            "is_wrong",
            "wrong",
            "has_error",
            "numErrors",
            "penalty",
            "length_penalty",
            "toxicity",
            "harm",
            "wer",
            "WER",
            "mistakes",
            "violations",
            "cost",
            "regret",
            "loss",
            "perplexity",
            "ppl",
            "edit_distance",
            "rank",
            "ranking",
            "meta.Ranking",
            "elo_rank",
            "negative",
            "negative_log_likelihood",
            "negative_reward",
            "downvotes",
            "lost",
            "loser_rank",
            "inferior",
            "weaker_answer",
            "bad_response",
            "hallucinations",
            "order",
            "discarded",
            "discarded_response",
            "eliminated",
            "defeated",
            "beaten",
            "runner_up",
            "runnerUp",
            "second_best",
            "second_place",
            "second_choice",
            "dropped",
            "removed",
            "unselected",
            "not_selected",
            "losing_response",
            "losing_id",
            "outperformed",
            "disqualified",
            "thumbs_down",
            "lesser",
            "Verlierer",
            "perdant",
            "perdedor",
            "peor",
            "peggiore",
            "\u{8f93}\u{5bb6}",
        ] {
            assert!(says_worse(name).is_some(), "{name}");
        }
        for name in [
            "winner_no_tie",
            "winner_without_ties",
            "verdict_no_cot",
            "winner",
            "label",
            "better",
            "better_response_id",
            "safer_response_id",
            "is_response_0_safe",
            "chosen",
            "preferred",
            "preference",
            "choice",
            "closer_response",
            "harmless",
            "harmlessness",
            "flawless",
            "error_free",
            "non_toxic",
            "not_wrong",
            "neg_loss",
            "fewest_errors",
            "less_harmful",
            "winner_position",
            "best_place",
            "score",
            "reward",
            "helpfulness",
            "correct",
            "is_correct",
            "verdict",
            "annotator_1",
            "choice_no",
            "glossary",
            "default",
            "closest",
            "collision",
            "response.label",
            "rejected.winner",
            "not_discarded",
            "non_eliminated",
            "second_annotator",
            "second_label",
            "best",
            "victor",
            "thumbs_up",
            "kept",
            "undefeated",
            "sieger",
            "gagnant",
            "mejor",
        ] {
            assert_eq!(says_worse(name), None, "{name}");
        }
        assert_eq!(says_worse("worse_response").as_deref(), Some("worse"));
        assert_eq!(says_worse("less_safe").as_deref(), Some("less safe"));
    }

    #[test]
    fn names_say_a_difference_or_a_scale() {
        for name in ["score_diff", "scoreDiff", "delta", "gap", "margin", "reward_margin", "rating_difference"] {
            assert_eq!(says_size(name), Some(NamedSize::Difference), "{name}");
        }
        for name in [
            "strength",
            "pref_strength",
            "preference_strength",
            "degree",
            "overall",
            "overall_preference",
            "human_preference",
            "likert",
            "confidence",
            "rating",
            "score",
            "label_confidence",
            "winner_score",
            "agreement",
        ] {
            assert_eq!(says_size(name), Some(NamedSize::Scale), "{name}");
        }
        for name in [
            "preference",
            "pref",
            "label",
            "winner",
            "overall_winner",
            "overall_label",
            "vote",
            "choice",
            "better",
            "annotator1",
            "helpfulness",
        ] {
            assert_eq!(says_size(name), None, "{name}");
        }
    }
}
