//! Units: names, base units and conversion factors.

use std::collections::BTreeMap;

use dashu_ratio::RBig;

/// A unit: powers of base units, and the factor to them. An unknown noun is a base unit of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Base units and nouns with their exponents, which are not zero.
    pub bases: BTreeMap<String, i32>,
    /// The value of one such unit in base units.
    pub factor: RBig,
    /// Whether all units are known.
    pub known: bool,
}

/// Names, numerator and denominator of the factor, base units. `m2` is a square metre, `m s-1` a metre per second.
type UnitRow = (&'static str, u64, u64, &'static str);

/// Names of a single letter count only where a unit can stand. Plurals in -s are recognised by rule.
const UNITS: &[UnitRow] = &[
    ("m meter metre metros metro", 1, 1, "m"),
    ("cm centimeter centimetre", 1, 100, "m"),
    ("mm millimeter millimetre", 1, 1000, "m"),
    ("km kilometer kilometre kilómetro", 1000, 1, "m"),
    ("dm decimeter decimetre", 1, 10, "m"),
    ("μm micrometer micrometre micron", 1, 1_000_000, "m"),
    ("nm nanometer nanometre", 1, 1_000_000_000, "m"),
    ("in inch inches", 254, 10_000, "m"),
    ("ft foot feet", 3048, 10_000, "m"),
    ("yd yard", 9144, 10_000, "m"),
    ("mi mile", 1_609_344, 1000, "m"),
    ("kg kilogram", 1, 1, "kg"),
    ("g gram gramme", 1, 1000, "kg"),
    ("mg milligram", 1, 1_000_000, "kg"),
    ("tonne", 1000, 1, "kg"),
    ("lb lbs pound", 45_359_237, 100_000_000, "kg"),
    ("oz ounce", 45_359_237, 1_600_000_000, "kg"),
    ("s sec second secs", 1, 1, "s"),
    ("ms millisecond", 1, 1000, "s"),
    ("min minute mins", 60, 1, "s"),
    ("h hr hour hrs hora", 3600, 1, "s"),
    ("day", 86400, 1, "s"),
    ("week", 604_800, 1, "s"),
    ("month", 1, 1, "month"),
    ("year yr yrs", 12, 1, "month"),
    ("l L liter litre ltr", 1, 1000, "m3"),
    ("ml mL milliliter millilitre", 1, 1_000_000, "m3"),
    ("dl deciliter", 1, 10_000, "m3"),
    ("cl centiliter", 1, 100_000, "m3"),
    ("hL hl hectoliter hectolitre", 1, 10, "m3"),
    ("cc", 1, 1_000_000, "m3"),
    ("gallon gal", 1, 1, "gallon"),
    ("quart qt", 1, 4, "gallon"),
    ("pint pt", 1, 8, "gallon"),
    ("cup", 1, 16, "gallon"),
    ("hectare ha", 10_000, 1, "m2"),
    ("acre", 4_046_856_422, 1_000_000, "m2"),
    ("mph", 1_609_344, 3_600_000, "m s-1"),
    ("kph kmh", 1000, 3600, "m s-1"),
    ("knot", 1852, 3600, "m s-1"),
    ("A amp ampere", 1, 1, "A"),
    ("K kelvin", 1, 1, "K"),
    ("celsius centigrade", 1, 1, "°C"),
    ("fahrenheit", 1, 1, "°F"),
    ("degree deg", 1, 1, "°"),
    ("radian rad", 1, 1, "rad"),
    ("N newton", 1, 1, "kg m s-2"),
    ("J joule", 1, 1, "kg m2 s-2"),
    ("eV electronvolt", 1, 1, "eV"),
    ("cal calorie", 1, 1, "cal"),
    ("W watt", 1, 1, "kg m2 s-3"),
    ("Pa pascal", 1, 1, "kg m-1 s-2"),
    ("atm atmosphere", 101_325, 1, "kg m-1 s-2"),
    ("V volt", 1, 1, "kg m2 s-3 A-1"),
    ("C coulomb", 1, 1, "A s"),
    ("Wh", 3600, 1, "kg m2 s-2"),
    ("Nm", 1, 1, "kg m2 s-2"),
    ("VA", 1, 1, "kg m2 s-3"),
    ("As", 1, 1, "A s"),
    ("Ah", 3600, 1, "A s"),
    ("bar", 100_000, 1, "kg m-1 s-2"),
    ("Ω ohm", 1, 1, "kg m2 s-3 A-2"),
    ("F farad", 1, 1, "kg-1 m-2 s4 A2"),
    ("T tesla", 1, 1, "kg s-2 A-1"),
    ("Hz hertz", 1, 1, "s-1"),
    ("mol mole moles", 1, 1, "mol"),
    ("dollar usd buck", 1, 1, "dollar"),
    ("cent penny pennies", 1, 100, "dollar"),
    ("euro eur", 1, 1, "euro"),
    ("yuan rmb cny", 1, 1, "yuan"),
    ("rupee", 1, 1, "rupee"),
    ("unit", 1, 1, ""),
    ("pound-sterling", 1, 1, "pound sterling"),
];

/// Symbols of units and the prefixes that may stand before them. `pm`, `Mg` and `TV` may mean other things and are left out.
const PREFIXED: &[(&str, &str)] = &[
    ("Hz", "kMGTm"),
    ("Pa", "hkMGm"),
    ("W", "kMGTmμ"),
    ("V", "kMmμ"),
    ("F", "mμnp"),
    ("C", "mμnp"),
    ("Ω", "kMGm"),
    ("J", "kMGmμn"),
    ("A", "kmμn"),
    ("N", "kMmμn"),
    ("s", "μn"),
    ("g", "μn"),
    ("eV", "kMGTm"),
    ("mol", "kmμn"),
    ("T", "mμn"),
    ("Wh", "kMGm"),
    ("Nm", "kM"),
    ("VA", "kM"),
    ("Ah", "mk"),
    ("L", "μ"),
    ("bar", "m"),
    ("cal", "k"),
];

/// Returns a unit with an SI prefix: `kΩ`, `mV`, `GHz`, "kilojoules".
fn prefixed(word: &str) -> Option<Unit> {
    const NAMES: &[(&str, &str, isize)] = &[
        ("h", "hecto", 2),
        ("k", "kilo", 3),
        ("M", "mega", 6),
        ("G", "giga", 9),
        ("T", "tera", 12),
        ("m", "milli", -3),
        ("μ", "micro", -6),
        ("n", "nano", -9),
        ("p", "pico", -12),
    ];
    let lower = word.to_lowercase();
    NAMES.iter().find_map(|(prefix, name, power)| {
        // The base is a symbol, or any name of that symbol.
        let signs = |sign: &str| PREFIXED.iter().any(|(base, prefixes)| *base == sign && prefixes.contains(prefix));
        let base = word.strip_prefix(prefix).filter(|base| signs(base));
        let named = || {
            lower
                .strip_prefix(name)
                .filter(|base| base.len() > 2 && row(base).is_some_and(|(names, ..)| names.split(' ').next().is_some_and(signs)))
        };
        let mut unit = Unit::named(base.or_else(named)?);
        unit.factor *= RBig::from(10u8).pow(*power);
        Some(unit)
    })
}

fn row(word: &str) -> Option<&'static UnitRow> {
    let find = |word: &str| UNITS.iter().find(|(names, ..)| names.split(' ').any(|name| name == word));
    // `L`, `l`, `kWh` and the like are case-sensitive; names of four letters and more are not.
    let lower = word.to_lowercase();
    let single = word.chars().count() == 1;
    // `Pas` may be `Pa s`.
    if word.ends_with("Pas") {
        return None;
    }
    // `Mg` is not `mg`: short names are case-sensitive.
    let long = word.chars().count() > 3;
    find(word)
        .or_else(|| if single || !long { None } else { find(&lower) })
        .or_else(|| if long { lower.strip_suffix('s') } else { word.strip_suffix('s') }.filter(|w| w.len() > 1).and_then(find))
}

/// The base of an ambiguous unit.
const UNSURE: &str = "?";

/// Whether a word may mean a metre times another unit as well as a thousandth of that unit: `ms`, `mN`.
pub fn metre_or_milli(word: &str) -> bool {
    word.strip_prefix('m').is_some_and(|sign| matches!(sign, "s" | "N" | "K" | "A" | "V" | "W" | "J" | "mol" | "Pa"))
}

/// Whether a word is a known unit.
pub fn known(word: &str) -> bool {
    // `ns` and `ng` may be products of variables.
    let short = word.len() < 3 && word.chars().all(char::is_lowercase);
    row(word).is_some() || square(word).is_some() || !short && prefixed(word).is_some()
}

/// Returns the exponent that "square", "cubic" and the like stand for.
pub fn square(word: &str) -> Option<i32> {
    match word.to_lowercase().as_str() {
        "square" | "sq" | "squared" => Some(2),
        "cubic" | "cu" | "cubed" => Some(3),
        _ => None,
    }
}

impl Unit {
    /// Makes the unit of a pure number.
    pub fn none() -> Self {
        Unit { bases: BTreeMap::new(), factor: RBig::ONE, known: true }
    }

    /// Marks a unit as ambiguous: it equals only a unit that is written alike.
    pub fn unsure(mut self) -> Self {
        self.bases.insert(UNSURE.to_owned(), 1);
        self.known = false;
        self
    }

    /// Returns the unit of a word. A plural is the same unit, and an unknown noun is a base unit of its own.
    pub fn named(word: &str) -> Self {
        if let Some(unit) = prefixed(word) {
            return unit;
        }
        let Some((_, over, under, bases)) = row(word) else {
            let lower = if word.chars().count() > 3 { word.to_lowercase() } else { word.to_owned() };
            let noun = lower.strip_suffix("ies").map(|stem| format!("{stem}y"));
            let noun = noun.or_else(|| lower.strip_suffix('s').filter(|w| w.len() > 2).map(str::to_owned)).unwrap_or(lower);
            return Unit { bases: BTreeMap::from([(noun, 1)]), factor: RBig::ONE, known: false };
        };
        let bases = bases.split(' ').filter(|base| !base.is_empty() && *base != "sterling").map(|base| {
            let at = base.find(|c: char| c.is_ascii_digit() || c == '-').unwrap_or(base.len());
            (base[..at].to_owned(), base[at..].parse().unwrap_or(1))
        });
        Unit { bases: bases.collect(), factor: RBig::from_parts((*over).into(), (*under).into()), known: true }
    }

    /// Returns the unit raised to a power.
    pub fn power(mut self, exponent: i32) -> Self {
        self.bases.values_mut().for_each(|power| *power *= exponent);
        self.bases.retain(|_, power| *power != 0);
        self.factor = self.factor.pow(exponent as isize);
        self
    }

    /// Returns the product of two units.
    pub fn times(mut self, other: &Unit) -> Self {
        for (base, power) in &other.bases {
            *self.bases.entry(base.clone()).or_default() += power;
        }
        self.bases.retain(|_, power| *power != 0);
        self.factor *= &other.factor;
        self.known &= other.known;
        self
    }
}

/// Whether a word may be the symbol of a unit: a known one, or another one with or without a prefix.
fn sign(word: &str) -> bool {
    const OTHERS: &str = "B bit M H S t rev rpm mmHg Å hp molar kb Mb Gb psi torr Btu dyn erg amu";
    let is = |word: &str| OTHERS.split(' ').any(|sign| sign == word);
    is(word) || word.strip_prefix(['m', 'k', 'M', 'G', 'T']).is_some_and(is) || row(word).is_some() || prefixed(word).is_some()
}

/// Splits the unit symbols off the end of a number: `50\pi m^2` gives `50\pi` and `m^2`. `None` if there are none.
pub fn tail(text: &str) -> Option<(&str, String)> {
    // Units are short, so only the end of a long answer is searched.
    const LONGEST: usize = 48;
    let starts = text.char_indices().map(|(at, _)| at).filter(|at| *at > 0 && text.len() - at <= LONGEST);
    for at in starts {
        let (value, behind) = text.split_at(at);
        if behind.starts_with(|c: char| c.is_ascii_digit() || "^{}/·* ".contains(c)) {
            continue;
        }
        if let Some(signs) = signs(behind)
            && (value.contains(|c: char| c.is_ascii_digit()) || value.contains(['π']) || value.contains("\\pi"))
        {
            return Some((value.trim_end_matches([' ', '~', '\\', ',']), signs));
        }
    }
    None
}

/// Returns the unit symbols of a text with their exponents; `None` if the text has anything else.
fn signs(text: &str) -> Option<String> {
    const DRESS: &[&str] = &[
        "\\frac", "\\dfrac", "\\mathit", "\\mathrm", "\\text", "\\cdot", "\\,", "\\;", "\\ ", "{", "}", "^", "/", "·", "*", "~",
        "(", ")", "°",
    ];
    let plain = text.replace("\\mu", "μ").replace("\\Omega", "Ω").replace("μ ", "μ");
    let plain = DRESS.iter().fold(plain, |text, sign| text.replace(sign, " "));
    let word = |word: &str| word.trim_start_matches('-').chars().all(|c| c.is_ascii_digit() || "²³".contains(c));
    let mut found = false;
    let mut all = plain.split_whitespace().flat_map(parts);
    let fits = all.all(|part| {
        let unit = sign(&part);
        found |= unit;
        unit || word(&part)
    });
    (fits && found).then(|| plain.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Splits a text into runs of letters and runs of other characters.
fn parts(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in text.chars() {
        match words.last_mut() {
            Some(last) if last.ends_with(char::is_alphabetic) == c.is_alphabetic() => last.push(c),
            _ => words.push(c.to_string()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_one_kind_differ_by_their_factor() {
        let speed = Unit::named("km").times(&Unit::named("hours").power(-1));
        let other = Unit::named("m").times(&Unit::named("s").power(-1));
        assert_eq!(speed.bases, other.bases);
        assert_eq!(speed.factor / other.factor, RBig::from_parts(5.into(), 18u8.into()));
        assert_eq!(Unit::named("apples").bases, Unit::named("apple").bases);
        assert_eq!(Unit::named("J").bases, Unit::named("N").times(&Unit::named("m")).bases);
    }
}
