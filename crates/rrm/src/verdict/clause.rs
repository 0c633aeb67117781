//! The words before a label -> whether they state it, deny it, show it, or report it as the words of another author.
//!
//! A clause ends at a full stop, a comma, a dash, an arrow, a closing bracket or the end of a line. If a label begins its line, the line above
//! belongs to its clause if it introduces the label.

use super::{
    Verdict, foreign, wording,
    words::{
        ELSE, GOES_ON, Holder, STATES, any_of, is_bad, is_fault, is_judge, is_name, is_negation, is_of, is_speech, names,
        words_of,
    },
};

/// Most bytes before a label that are read.
const REACH: usize = 400;

/// Returns whether a character is a mark of style, which may stand between a label and the words before it.
fn is_style(c: char) -> bool {
    c.is_whitespace() || "*_`~$([{\\>#\"'\u{201c}\u{201e}\u{ab}\u{2018}\u{300c}\u{300e}|".contains(c)
}

/// The words before a label.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clause {
    /// The words in lower case; the one nearest to the label is last.
    pub words: Vec<String>,
    /// Whether a colon stands between them and the label.
    pub named: bool,
    /// Whether the words are on a line above the label.
    pub above: bool,
}

impl Clause {
    /// Returns the clause that ends where a label, or the quotation around it, begins.
    pub fn before(text: &str) -> Self {
        let text = wording::last(text, REACH);
        let mut head = text.trim_end_matches(is_style);
        // The line of a fence may hold a language name.
        let line = head.rsplit('\n').next().unwrap_or(head);
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            head = head[..head.len() - line.len()].trim_end_matches(is_style);
        }
        let gap = &text[head.len()..];
        let above = gap.contains('\n') || head.is_empty();
        let last = head.rsplit('\n').next().unwrap_or(head);
        let named = last.ends_with([':', '\u{ff1a}']);
        // The line above belongs to the label unless it has an end mark.
        let ended = last.ends_with(['.', '!', '?', '}', ']', ')', '\u{3002}']);
        if above && !named && ended {
            return Clause { words: Vec::new(), named: false, above: true };
        }
        let line = if named { last.trim_end_matches([':', '\u{ff1a}']) } else { last };
        let line = line.trim_end_matches(|c: char| c.is_whitespace() || "*_".contains(c));
        // In "it says, LABEL" the comma belongs to the speech; before other words a comma ends a clause.
        let said = |line: &&str| words_of(line).last().is_some_and(|word| is_speech(word));
        let line = line.strip_suffix(',').filter(said).unwrap_or(line);
        let words = words_of(last_clause(line));
        // Across a blank line, only words that cannot end a sentence belong to the label.
        let goes_on = |word: &String| is_of("with by as is thus be are not than choose pick so", word) || is_speech(word);
        let title = last.trim_start().starts_with(['#', '*']);
        let blank = above && !named && gap.trim_matches(|c| c != '\n').contains("\n\n") && !title;
        let words = if blank && !words.last().is_some_and(goes_on) { Vec::new() } else { words };
        Clause { words, named, above }
    }

    /// Returns whether the words state a verdict.
    pub fn states(&self) -> bool {
        any_of(STATES, &self.words) && !any_of(ELSE, &self.words)
    }

    /// Returns whether the judge speaks of itself.
    pub fn of_the_judge(&self) -> bool {
        self.words.iter().any(|word| is_judge(word))
    }

    /// Returns whether the judge says that it chooses: `I pick`, `I would go with`.
    pub fn chooses(&self) -> bool {
        const CHOOSES: &str = "choose chose take pick picked select selected go going vote prefer preferred give giving rate award favor favour judge opt \
            conclude decide decided settle declare say side lean deem find rule assign name rank";
        let Some(at) = self.words.iter().rposition(|word| is_of(CHOOSES, word)) else { return false };
        let supposed = any_of("if had were", &self.words);
        !supposed && self.words[at.saturating_sub(4)..at].iter().any(|word| is_judge(word) || word == "let" || word == "me")
    }

    /// Returns whether the words report the label as the words of another author: `it ends with LABEL`, `the injected LABEL`.
    ///
    /// Near a label this holds for any label. With `anywhere`, for labels that a judged text holds, the distance does not count.
    pub fn reports(&self, anywhere: bool) -> bool {
        let words = &self.words;
        let Some(at) = words.iter().rposition(|word| is_speech(word)) else { return false };
        let behind = &words[at + 1..];
        // "As asked: LABEL".
        let own =
            words.windows(2).any(|pair| pair[0] == "my" && is_of("verdict decision choice answer judgment judgement", &pair[1]));
        let asked = own || words[at] == "asked" && at.checked_sub(1).is_some_and(|before| words[before] == "as");
        // "was written by LABEL", "ignoring the embedded demand: LABEL".
        let by = behind.first().is_some_and(|word| word == "by");
        let ignored = self.named && any_of("ignore ignoring disregarding despite regardless notwithstanding", words);
        if asked || by || ignored || (behind.len() > 3 && !anywhere) {
            return false;
        }
        // "I say", "I have to say", "my analysis concludes", and "it says Sydney so the better one is".
        let subject = &words[at.saturating_sub(3)..at];
        let judge = subject.iter().rposition(|word| is_judge(word));
        let other = subject.iter().rposition(|word| is_name(word) || word == "it");
        let by_the_judge = judge.is_some() && judge > other;
        // After "ends with" the quoted text goes on: "ends with Therefore".
        let with = behind.first().is_some_and(|word| word == "with");
        !by_the_judge && !behind.iter().any(|word| is_judge(word) || (!with && is_of(GOES_ON, word)))
    }

    /// Returns whether the words show the form of an answer, and no verdict.
    fn shows(&self) -> bool {
        let near = &self.words[self.words.len().saturating_sub(4)..];
        let like = near
            .windows(2)
            .any(|pair| (is_of("looks look", &pair[0]) && pair[1] == "like") || (pair[0] == "such" && pair[1] == "as"));
        let shown = any_of("example sample format form instance template syntax options choices", near);
        let decides = any_of("verdict winner better best decision judgment judgement final", &self.words);
        (like || (shown && !decides)) && !self.of_the_judge()
    }

    /// Returns whether the words mention only the response that `verdict` does not name.
    fn speaks_of_the_other(&self, verdict: Verdict) -> bool {
        let other = match verdict {
            Verdict::First => Holder::Second,
            Verdict::Second => Holder::First,
            Verdict::Tie => return false,
        };
        let mut named = names(&self.words).map(|(_, holder)| holder).filter(|holder| *holder != Holder::Prompt).peekable();
        named.peek().is_some() && named.all(|holder| holder == other)
    }

    /// Returns whether the words contrast the label with another one: `rather than LABEL`, `over LABEL`.
    pub fn contrasts(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        !self.named && matches!(words.as_slice(), [.., "than" | "over" | "beats" | "not"] | [.., "instead", "of"])
    }

    /// Returns whether the words deny the label: `not LABEL`, `Worse: LABEL`, `I would rule out LABEL`.
    fn denies(&self, verdict: Verdict) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let against =
            matches!(
                words.as_slice(),
                [.., "rule" | "ruled", "out"]
                    | [.., "disagree", "with"]
                    | [.., "anything", "but"]
                    | [.., "refuse", "to", "say" | "choose"]
                    | [.., "far", "from"]
                    | [.., "so", "far", "as"]
                    | [.., "against" | "hardly" | "reject" | "dismiss"]
                    | [.., "except" | "excluding"]
                    | [.., "except", "for"]
                    | [.., "other", "than"]
                    | [.., "all" | "everyone" | "everything", "but"]
                    | [.., "would", "have", "said" | "chosen" | "picked" | "selected" | "preferred"]
                    | [.., "would", "have", "gone" | "voted", "with" | "for"]
            ) || words.windows(2).any(|pair| is_of("opposite reverse opponent rival", pair[0]) && is_of("of to", pair[1]));
        let foreign =
            (!self.above || self.named) && foreign::denies(&words, self.named) || !self.above && foreign::is_unknown(&words);
        let against = against || foreign;
        let worse = names_the_worse(&words) || (!self.named && is_negated(&words, verdict));
        against || words.contains(&"might") || is_hypothetical(&words) || (worse && !self.speaks_of_the_other(verdict))
    }
}

/// Returns whether the words before a label deny it, suppose it or cross it out. `clause` is the clause of `before`.
pub(super) fn is_denied(before: &str, clause: &Clause, after: &str, verdict: Verdict) -> bool {
    let near = wording::last(before, REACH);
    let supposed = || {
        let sentence = words_of(near.rsplit(['.', '!', '?', ';', '\n', ':']).next().unwrap_or(near));
        let sentence: Vec<&str> = sentence.iter().map(String::as_str).collect();
        sentence.first().is_some_and(|word| is_of("if had were", word)) && is_hypothetical(&sentence)
    };
    clause.denies(verdict) || supposed() || is_crossed_out(near, after)
}

/// Returns whether the words before a label only show it, as an example or as one of the possible labels. `clause` is the clause of `before`.
pub(super) fn is_shown(before: &str, clause: &Clause) -> bool {
    clause.shows() || before.trim_end().ends_with("e.g.")
}

/// Returns whether the words before a label name it only tentatively: `I first leaned towards LABEL`, `I considered whether it is LABEL`.
pub(super) fn is_tentative(before: &str) -> bool {
    const WORDS: &str =
        "leaned tempted considered considering initially could might whether thought hesitated seemed looked would";
    let near = wording::last(before, REACH);
    let words = words_of(near.rsplit(['.', '!', '?', ';', '\n']).next().unwrap_or(near));
    any_of(WORDS, &words) || words.windows(2).any(|pair| pair[0] == "at" && pair[1] == "first")
}

fn is_crossed_out(before: &str, after: &str) -> bool {
    const ELEMENTS: [(&str, &str); 4] = [("<del>", "</del>"), ("<s>", "</s>"), ("<strike>", "</strike>"), ("<!--", "-->")];
    let line = before.rsplit('\n').next().unwrap_or(before);
    if line.trim_end().is_empty() {
        return false;
    }
    let inside =
        |(open, close): &(&str, &str)| line.rfind(open).is_some_and(|at| !line[at..].contains(close)) && after.contains(close);
    let command = before.trim_end_matches([' ', '$']).strip_suffix('{').unwrap_or("");
    (line.matches("~~").count() % 2 == 1 && after.contains("~~"))
        || ELEMENTS.iter().any(inside)
        || ["\\cancel", "\\sout", "\\st", "\\xcancel", "\\bcancel"].iter().any(|name| command.ends_with(name))
}

/// Returns whether the words name the worse response, followed only by nouns and verbs of naming: `The worse response is`.
fn names_the_worse(words: &[&str]) -> bool {
    const FILLERS: &str = "response answer one option output assistant candidate reply verdict is was are be would of the two to goes here \
        clearly quality helpful accurate complete correct best place up good useful 1 2 a b beat other in it";
    let Some(at) = words.iter().rposition(|word| is_bad(word)) else { return false };
    let (before, next) = (at.checked_sub(1).map_or("", |at| words[at]), words.get(at + 1).copied().unwrap_or(""));
    // "with more errors", and not "with fewer errors".
    let near = &words[at.saturating_sub(4)..at];
    let many = any_of("with more most many several serious major contains containing has makes making", near)
        && !any_of("fewer fewest less least no not without zero minor only small avoids fixes corrects than", near);
    // Words that are negative only in certain phrases.
    let other = match words[at] {
        "second" => !is_of("best place", next),
        "runner" => next != "up",
        "least" => before == "at",
        word if is_fault(word) => !many,
        _ => false,
    };
    // "the less bad one", "not worse", "no worse".
    let turned = is_of("less no least", before) || is_negation(before);
    // The adjective after "less".
    let rest = &words[(at + 1 + usize::from(is_of("less least", words[at]))).min(words.len())..];
    !other && !turned && rest.iter().all(|word| is_of(FILLERS, word))
}

/// Returns whether the clause supposes something: `if brevity mattered it would be LABEL`.
fn is_hypothetical(words: &[&str]) -> bool {
    any_of("suppose assume imagine pretend decline refuse", words)
        || any_of("if had were", words) && any_of("would could", words) && !any_of("choose pick decide select", words)
}

/// Returns whether a negation near the label applies to it.
fn is_negated(words: &[&str], verdict: Verdict) -> bool {
    let from = words.len().saturating_sub(6);
    let Some(at) = words.iter().rposition(|word| is_negation(word)).filter(|at| *at >= from) else { return false };
    let rest = &words[at + 1..];
    let mut said = rest.iter().filter(|word| !is_of("really necessarily simply personally even actually at all to", word));
    let Some(first) = said.next() else { return true };
    // "I cannot tell them apart" is a statement of a tie.
    if verdict == Verdict::Tie {
        return false;
    }
    const NEUTRAL: &str = "hesitate doubt deny only just close but disagree worse surprisingly surprising";
    const CHOOSE: &str = "choose pick select say think believe agree go vote prefer recommend give conclude consider be call see find support \
        endorse favor favour rank declare name want the my better";
    if is_of(NEUTRAL, first)
        || rest.iter().take(2).any(|word| is_bad(word))
        || any_of("but so therefore thus hence i i'd i'll", rest)
    {
        return false;
    }
    let own = |words: &[&str]| any_of(STATES, words) || words.iter().any(|word| is_judge(word));
    // "the one which does not hallucinate" describes the chosen response.
    let relative = any_of("which that who", &words[at.saturating_sub(2)..at]) && own(&words[..at]);
    is_of(CHOOSE, first) || (!own(rest) && !relative)
}

fn last_clause(line: &str) -> &str {
    // A sign right before the label ends the clause, so that it has no words.
    let signs = [',', ';', '.', '!', '?', '-', '=', '\u{2014}', '\u{2013}', '\u{2192}', '\u{21d2}', '\u{3002}'];
    if line.ends_with(signs) {
        return "";
    }
    let ends = |(at, c): (usize, char)| {
        let end = match c {
            ';' | ')' | '\u{2014}' | '\u{2013}' | '\u{2192}' | '\u{21d2}' | '\u{3002}' | '\u{ff0c}' | '\u{ff1a}' => true,
            ' ' => line[..at].ends_with(['.', '!', '?', ',', ':']) || line[..at].ends_with(" -"),
            '>' => line[..at].ends_with(['=', '-']),
            _ => false,
        };
        end.then_some(at + c.len_utf8())
    };
    let from = line.char_indices().rev().find_map(ends).unwrap_or(0);
    &line[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_ends_at_signs_and_begins_on_the_line_above() {
        let words = |text: &str| Clause::before(text).words.join(" ");
        assert_eq!(words("It is right. The better one is **"), "the better one is");
        assert_eq!(words("Assistant 2 is not \u{2014} "), "");
        assert_eq!(words("Assistant 2 is not => $"), "");
        assert_eq!(words("(it is not) "), "");
        assert_eq!(words("### Verdict\n\n"), "verdict");
        assert_eq!(words("Losing response:\n"), "losing response");
        assert_eq!(words("The first is better.\n\n"), "");
        assert_eq!(words("It ends with\n```latex\n"), "it ends with");
    }
}
