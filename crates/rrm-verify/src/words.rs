//! Words of answers and their meaning: conjunctions, numbers, magnitudes, phrases.

use dashu_ratio::RBig;

/// A conjunction between two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordJoint {
    /// "and": both answers.
    And,
    /// "or": either answer.
    Or,
}

/// Recognises "and" and "or". Those of one letter and those of other languages count only if `text` is true.
pub fn joint(word: &str, text: bool) -> Option<WordJoint> {
    match word {
        "and" => Some(WordJoint::And),
        "or" => Some(WordJoint::Or),
        _ if !text => None,
        "y" | "e" | "und" | "et" | "и" | "和" | "及" | "与" => Some(WordJoint::And),
        "o" | "u" | "oder" | "ou" => Some(WordJoint::Or),
        "или" | "或" | "或者" => Some(WordJoint::Or),
        _ => None,
    }
}

/// Whether a word is an answer by itself, though it is short enough to be a product of variables.
pub fn is_answer(word: &str) -> bool {
    const ANSWERS: &[&str] = &[
        "yes", "no", "odd", "even", "all", "any", "none", "true", "false", "dne", "never", "always", "sun", "mon", "tue", "wed",
        "thu", "fri", "sat", "not",
    ];
    ANSWERS.contains(&word)
}

/// Whether a word is a short word of sentences rather than a product of variables.
pub fn is_known(word: &str) -> bool {
    const SHORT: &[&str] = &[
        "is", "of", "to", "in", "on", "at", "by", "the", "for", "an", "as", "it", "he", "she", "are", "was", "has", "her", "his",
        "we", "so", "be", "if", "per", "up", "off", "too", "far", "from", "with", "each", "but", "its", "can", "did", "do",
        "had", "may", "my", "our", "out", "own", "two", "one", "six", "ten",
    ];
    SHORT.contains(&word) || is_answer(word)
}

/// Whether a word between or behind numbers changes their meaning. A number beside such a word is not understood.
pub fn changes(word: &str) -> bool {
    const CHANGES: &str = "not no never neither nor isnt arent cannot except without unless than more less fewer least most over under above below \
                           between to through till until from half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths \
                           eighth eighths tenth tenths hundredth hundredths thousandth thousandths millionth millionths billionth billionths trillionth \
                           trillionths grand kilo ppm remainder rest plus minus negative times \
                           divided squared cubed square cube factorial st nd rd th o'clock oclock am pm versus vs modulo mod power root reciprocal \
                           inverse opposite multiple multiples factor divisor divisible coprime proportional multiplied hundred thousand million \
                           billion trillion quadrillion quintillion mln bn mio dozen dozens gross tens score points either maybe almost nearly near \
                           next after before first if twice thrice double triple doubled halved wrong incorrect false minimum \
                           maximum tops bc bce ad but unlikely different non otherwise instead rather out per-cent \
                           binary hexadecimal hex octal ish fails";
    let known = CHANGES.split_whitespace().any(|one| one == word);
    let elsewhere = ["mil", "tausend", "dutzend", "docen", "douzain", "dezen", "dozzin", "prozentpunkt"];
    let begins = |stems: &[&str]| stems.iter().any(|stem| word.starts_with(stem));
    // "milk", "mills", "miles" and "milligrams" are counted nouns, not millions.
    let mill = begins(&["mill"]) && !begins(&["milli", "millon", "millón", "mille"]);
    let multiple = begins(&elsewhere) && !begins(&["milk"]) && !mill && !crate::units::known(word);
    known || multiple || word.ends_with("n't") || month(word) || ordinal(word).is_some()
}

/// Words behind a number, at the end of what is said, by which it is a distance to another number: "12 lower", "12 short".
pub fn compares(word: &str) -> bool {
    const WORDS: &str = "lower higher older younger taller shorter longer wider narrower deeper heavier lighter faster slower bigger larger smaller greater \
                         warmer colder hotter cheaper earlier later further farther closer short shy ahead behind past beyond odd something";
    WORDS.split_whitespace().any(|one| one == word)
}

/// Whether a word behind a number is a verb. It begins a sentence about the number and is not a counted noun.
pub fn verb(word: &str) -> bool {
    matches!(
        word,
        "is" | "are"
            | "was"
            | "were"
            | "isn"
            | "will"
            | "would"
            | "can"
            | "has"
            | "have"
            | "had"
            | "must"
            | "should"
            | "may"
            | "might"
    )
}

/// Whether a word before a number leaves it unchanged.
pub fn leaves(word: &str) -> bool {
    const LEAVES: &str = "exactly about approximately approx roughly around only just simply is are be equals equal the a an total of answer value \
                          therefore so thus hence then indeed clearly given now final result";
    LEAVES.split_whitespace().any(|one| one == word)
}

/// Whether a word before mathematics names its kind.
pub fn introduces(word: &str) -> bool {
    const KINDS: &str = "point pair ordered set interval number integer vector matrix triple tuple option choice fraction solution solutions expression \
                         equation function polynomial line plane angle area length volume probability by";
    KINDS.split_whitespace().any(|one| one == word)
}

/// Whether a word is the name of a month: a number beside it is a day or a year.
pub fn month(word: &str) -> bool {
    const MONTHS: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "oct",
        "nov",
        "dec",
    ];
    MONTHS.contains(&word)
}

/// Returns the factor that a word applies to the number before it: "million" is 10^6.
pub fn magnitude(word: &str) -> Option<RBig> {
    let ten = |power: usize| Some(RBig::from(10u8).pow(power as isize));
    match word {
        "dozen" | "dozens" => Some(RBig::from(12)),
        "hundred" | "hundreds" => ten(2),
        "thousand" | "thousands" => ten(3),
        "million" | "millions" => ten(6),
        "billion" | "billions" => ten(9),
        "trillion" | "trillions" => ten(12),
        "lakh" | "lakhs" => ten(5),
        "crore" | "crores" => ten(7),
        _ => None,
    }
}

/// Returns the value of a small number in words.
pub fn number(word: &str) -> Option<u32> {
    const SMALL: &[&str] = &[
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let small = SMALL.iter().position(|name| *name == word).map(|place| place as u32);
    small.or_else(|| TENS.iter().position(|name| *name == word).map(|place| 20 + 10 * place as u32))
}

/// What place a word names: "third", "twentieth", also where several are meant. "Second" and "seconds" are units.
pub fn ordinal(word: &str) -> Option<u32> {
    const SMALL: &[&str] = &[
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
    ];
    const TENS: &[&str] = &["twentieth", "thirtieth", "fortieth", "fiftieth", "sixtieth", "seventieth", "eightieth", "ninetieth"];
    let one = word.strip_suffix('s').unwrap_or(word);
    let small = SMALL.iter().position(|name| *name == one).map(|place| 3 + place as u32);
    let tens = || TENS.iter().position(|name| *name == one).map(|place| 20 + 10 * place as u32);
    small.or_else(tens).or(match one {
        "hundredth" => Some(100),
        "thousandth" => Some(1000),
        "millionth" => Some(1_000_000),
        _ => None,
    })
}

/// What part of one a word names: "half", "third", "quarters".
pub fn part(word: &str) -> Option<u32> {
    match word {
        "half" | "halves" => Some(2),
        "quarter" | "quarters" => Some(4),
        _ => ordinal(word),
    }
}

/// Returns the value of a text that is a number in words and nothing else: "seven", "twenty-one", "one hundred and five", "two thirds".
pub fn written_number(text: &str) -> Option<RBig> {
    let lower = text.to_lowercase().replace(['-', '‑'], " ");
    if let Some((whole, fraction)) = lower.rsplit_once(" and ")
        && fraction.split_whitespace().next_back().and_then(part).is_some()
    {
        // "two and a half", "forty and two thirds"
        return Some(written_number(whole)? + written_number(fraction)?);
    }
    let words: Vec<&str> = lower.split_whitespace().filter(|word| *word != "and").collect();
    if let Some(point) = words.iter().position(|word| *word == "point") {
        return with_decimals(&words[..point], &words[point + 1..]);
    }
    let words = match words.as_slice() {
        ["negative" | "minus", rest @ ..] => return written_number(&rest.join(" ")).map(|value| -value),
        ["a" | "an", rest @ ..] if !rest.is_empty() => {
            let mut all = vec!["one"];
            all.extend(rest);
            all
        }
        _ => words,
    };
    if let [over @ .., last] = words.as_slice()
        && let Some(under) = part(last)
    {
        if over.last().is_some_and(|word| magnitude(word).is_some()) {
            // "One hundred thousandths" may be a tenth.
            return None;
        }
        let over = if over.is_empty() { RBig::ONE } else { written_number(&over.join(" ")).filter(RBig::is_int)? };
        return Some(over / RBig::from(under));
    }
    let (mut total, mut group, mut any) = (RBig::ZERO, RBig::ZERO, false);
    let mut last = 0u32;
    for word in words {
        if let Some(value) = number(word) {
            // "twenty one" is a number; "one twenty" and "five six" are not.
            let follows = !any || last == 0 || (last >= 20 && last.is_multiple_of(10) && last < 100 && (1..10).contains(&value));
            if !follows {
                return None;
            }
            group += RBig::from(value);
            last = value.max(1);
        } else {
            let times = magnitude(word).filter(|_| any)?;
            if times == RBig::from(100) {
                group *= times;
            } else {
                total += group * times;
                group = RBig::ZERO;
            }
            last = 0;
        }
        any = true;
    }
    any.then(|| total + group)
}

/// The number of "three point one four", "point five" or "minus two point five million", from the words before and behind its point.
fn with_decimals(before: &[&str], behind: &[&str]) -> Option<RBig> {
    let (negative, whole) = match before {
        ["negative" | "minus", rest @ ..] => (true, rest),
        all => (false, all),
    };
    let whole = match whole {
        [] | ["nought" | "naught"] => RBig::ZERO,
        words => written_number(&words.join(" ")).filter(RBig::is_int)?,
    };
    let digit = |word: &str| match word {
        "oh" | "o" | "nought" | "naught" => Some(0),
        _ => number(word).filter(|value| *value < 10),
    };
    let decimals: Vec<u32> = behind.iter().map_while(|word| digit(word)).collect();
    let times: Vec<RBig> = behind[decimals.len()..].iter().map(|word| magnitude(word)).collect::<Option<_>>()?;
    // Nobody says more decimals than these.
    if !(1..=40).contains(&decimals.len()) {
        return None;
    }
    let part = decimals.iter().rev().fold(RBig::ZERO, |part, digit| (part + RBig::from(*digit)) / RBig::from(10u8));
    let value = times.into_iter().fold(whole + part, |value, times| value * times);
    Some(if negative { -value } else { value })
}

/// Whether words say that there is no solution: what `∅` says.
pub fn says_none(text: &str) -> bool {
    let text = plain(text);
    let text = ["there is ", "there are ", "equation has ", "system has ", "has "]
        .iter()
        .find_map(|begin| text.strip_prefix(begin))
        .unwrap_or(&text);
    let text = [" exist", " exists", " to equation"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    const NONE: &[&str] = &[
        "no solution",
        "no solutions",
        "no real solution",
        "no real solutions",
        "no root",
        "no roots",
        "no real roots",
        "no real root",
        "empty set",
        "empty",
        "none",
        "no integer solutions",
        "no integer solution",
        "no such solution",
    ];
    NONE.contains(&text)
}

/// Whether a text says that a value does not exist.
pub fn says_undefined(text: &str) -> bool {
    let text = plain(text);
    let text = ["it ", "limit ", "expression "].iter().find_map(|begin| text.strip_prefix(begin)).unwrap_or(&text);
    ["does not exist", "doesn't exist", "dne", "do not exist", "doesnt exist"].contains(&text)
}

/// Whether a text says that a value is not defined.
pub fn says_not_defined(text: &str) -> bool {
    ["undefined", "not defined", "it is undefined", "expression is undefined", "is undefined"].contains(&plain(text).as_str())
}

/// Whether a text says that there are infinitely many solutions.
pub fn says_infinitely_many(text: &str) -> bool {
    ["infinitely many", "infinitely many solutions", "there are infinitely many solutions", "infinite solutions"]
        .contains(&plain(text).as_str())
}

/// Normalises words: lower case, no articles, single blanks, no punctuation at the end. A single letter keeps its case, because it may be a variable.
pub fn plain(text: &str) -> String {
    let kept: String = text.chars().map(|c| if c.is_alphanumeric() || matches!(c, '\'' | '-' | '+') { c } else { ' ' }).collect();
    let words: Vec<&str> = kept.split_whitespace().collect();
    if let [letter] = words.as_slice()
        && letter.chars().count() == 1
    {
        return (*letter).to_owned();
    }
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let article = |word: &&String| !matches!(word.as_str(), "the" | "a" | "an");
    words.iter().filter(article).cloned().collect::<Vec<_>>().join(" ")
}

/// Whether a word is a known unit.
pub fn is_unit(word: &str) -> bool {
    crate::units::known(word)
}
