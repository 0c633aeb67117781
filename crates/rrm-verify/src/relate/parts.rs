//! Comparison of quantities with units, ratios, times, choices, functions by cases, and equations.

use std::collections::HashMap;

use dashu_ratio::RBig;

use super::{Relation, RelationResult, names::calculation, points};
use crate::{
    UnknownKind,
    expr::{EvaluationPoint, Expr, Literal},
    lex::Rel,
    number::{Complex, Precision},
    parse::Node,
    units::Unit,
};

impl Relation<'_> {
    /// Compares two numbers with units. A unit that only one of them states counts for both; units of one kind are converted.
    pub fn quantities(&self, (gold, unit): (&Expr, Option<&Unit>), (answer, given): (&Expr, Option<&Unit>)) -> RelationResult {
        let angle =
            |unit: Option<&Unit>, base: &str| unit.is_some_and(|unit| unit.bases.len() == 1 && unit.bases.contains_key(base));
        let turned = |value: &Expr| {
            let part = Expr::Num(Literal { value: RBig::from_parts(1.into(), 180u8.into()), places: None });
            Expr::Product(vec![value.clone(), Expr::Name("π".into()), part])
        };
        let (Some(one), Some(other)) = (unit, given) else {
            let plain = self.expressions(gold, answer);
            // A percent sign is not combined with a unit of the other answer: 5% is not 5 m.
            let marked = |expr: &Expr, unit: Option<&Unit>, other: Option<&Unit>| {
                let angles = angle(other, "°") || angle(other, "rad");
                let mark = matches!(expr, Expr::Call(name, _) if name == "%" || name == "deg" && !angles);
                mark && unit.is_none() && other.is_some_and(|other| !other.bases.is_empty())
            };
            let both = marked(gold, None, given.or(unit)) && marked(answer, None, given.or(unit));
            if !both && (marked(gold, unit, given) || marked(answer, given, unit)) {
                return plain.but_open("a percent sign or a degree beside a unit");
            }
            // If one answer is in degrees and the other has no unit, the other may be in radians.
            return match (angle(unit, "°") || angle(unit, "°"), angle(given, "°")) {
                (true, false) => plain.or(|| self.values(&turned(gold), answer)),
                (false, true) => plain.or(|| self.values(gold, &turned(answer))),
                _ => plain,
            };
        };
        if one.bases == other.bases && one.factor == other.factor {
            return self.expressions(gold, answer);
        }
        if one.bases == other.bases {
            return self.values(&scaled(gold, one), &scaled(answer, other));
        }
        if angle(unit, "°") && angle(given, "rad") {
            return self.values(&turned(gold), answer);
        }
        if angle(unit, "rad") && angle(given, "°") {
            return self.values(gold, &turned(answer));
        }
        let warm = |unit: Option<&Unit>| angle(unit, "°C") || angle(unit, "°F") || angle(unit, "K");
        if warm(unit) && warm(given) {
            // Temperatures are not converted: 0 °C is 32 °F and 273.15 K.
            return RelationResult::open(UnknownKind::NotProven, "temperatures in two units");
        }
        // `C` and `F` alone are coulomb and farad, or degrees.
        let (coulomb, farad) = (Unit::named("C"), Unit::named("F"));
        let letter = |unit: &Unit| *unit == coulomb || *unit == farad;
        if letter(one) && (warm(given) || letter(other)) || letter(other) && warm(unit) {
            let scale = |unit: &Unit| if *unit == coulomb { Unit::named("celsius") } else { unit.clone() };
            let scale = |unit: &Unit| if *unit == farad { Unit::named("fahrenheit") } else { scale(unit) };
            return if scale(one) == scale(other) {
                self.expressions(gold, answer).but_open("degrees of which kind")
            } else {
                RelationResult::open(UnknownKind::NotProven, "temperatures in two units")
            };
        }
        let has = |unit: &Unit, bases: &[&str]| bases.iter().any(|base| unit.bases.contains_key(*base));
        if has(one, &["°C", "°F", "K"])
            && has(other, &["°C", "°F", "K"])
            && (has(one, &["°C", "°F"]) || has(other, &["°C", "°F"]))
        {
            return RelationResult::open(UnknownKind::NotProven, "units that are not converted");
        }
        if (angle(unit, "°") && warm(given)) || (warm(unit) && angle(given, "°")) {
            return self.expressions(gold, answer).but_open("degrees of which kind");
        }
        let pounds = |one: &Unit, other: &Unit| {
            one.bases.contains_key("pound") && other.bases.contains_key("kg") && other.factor == Unit::named("pound").factor
        };
        if pounds(one, other) || pounds(other, one) {
            return self.expressions(gold, answer).but_open("pounds of which kind");
        }
        if one.known != other.known {
            return RelationResult::open(UnknownKind::NotProven, "a unit that is not known");
        }
        if one.known {
            const ALONE: &[&str] = &["gallon", "cal", "eV", "month", "°"];
            let converted = |unit: &Unit| !unit.bases.keys().any(|base| ALONE.contains(&base.as_str()));
            return if converted(one) && converted(other) {
                RelationResult::Other
            } else {
                RelationResult::open(UnknownKind::NotProven, "units that are not converted")
            };
        }
        // `kΩ`, `mV`: such symbols may be units of one kind.
        let sign = |unit: &Unit| unit.bases.keys().any(|base| base.chars().count() <= 3 || base.chars().any(char::is_uppercase));
        match self.expressions(gold, answer) {
            RelationResult::Other if !sign(one) && !sign(other) => RelationResult::Other,
            _ => RelationResult::open(UnknownKind::NotProven, "other words for what is counted"),
        }
    }

    /// Compares `5 feet 6 inches` with another answer, both in base units.
    pub fn compounds(&self, gold: &Node, answer: &Node) -> RelationResult {
        let total = |node: &Node| match node {
            Node::Compound(parts) => {
                let (_, unit) = parts.first()?;
                Some((Expr::Sum(parts.iter().map(|(value, unit)| scaled(value, unit)).collect()), unit.clone()))
            }
            Node::Quantity(value, Some(unit)) => Some((scaled(value, unit), unit.clone())),
            _ => None,
        };
        match (total(gold), total(answer)) {
            (Some((one, unit)), Some((other, given))) if unit.bases == given.bases => self.values(&one, &other),
            (Some((_, unit)), Some((_, given))) if unit.known && given.known => RelationResult::Other,
            _ => RelationResult::open(UnknownKind::NotProven, "a quantity in several units"),
        }
    }

    pub fn ratios(&self, gold: &[Expr], answer: &[Expr]) -> RelationResult {
        if gold.len() != answer.len() {
            return RelationResult::Other;
        }
        let each = |said: RelationResult, (gold, answer): (&Expr, &Expr)| said.and(|| self.expressions(gold, answer));
        let straight = gold.iter().zip(answer).fold(RelationResult::Same, each);
        if straight == RelationResult::Same {
            return RelationResult::Same;
        }
        // a : b : c equals d : e : f if a e = b d and so on, and no part is zero.
        let zero = Expr::whole(0);
        if gold.iter().chain(answer).any(|part| self.expressions(&zero, part) != RelationResult::Other) {
            return straight;
        }
        let product = |one: &Expr, other: &Expr| Expr::Product(vec![one.clone(), other.clone()]);
        (1..gold.len()).fold(RelationResult::Same, |said, at| {
            said.and(|| self.values(&product(&gold[0], &answer[at]), &product(&gold[at], &answer[0])))
        })
    }

    /// Compares times of day. "am" or "pm" in only one of them counts for both. A time and a ratio are open.
    pub fn times(&self, gold: &Node, answer: &Node) -> RelationResult {
        match (gold, answer) {
            (Node::Time(hours, minutes, half), Node::Time(other, others, given)) => {
                let same = (hours, minutes) == (other, others);
                match (half, given) {
                    (Some(half), Some(given)) => (same && half == given).into(),
                    (None, None) if same => RelationResult::Same,
                    // As ratios, `12:00` and `6:00` may be equal; `15:45` is `3:45 pm`.
                    (None, None) => RelationResult::open(UnknownKind::NotProven, "a time or a ratio")
                        .or(|| RelationResult::Other)
                        .and(|| self.maybe_ratio(gold, answer)),
                    _ if same => RelationResult::Same,
                    _ => {
                        let day = |hours: u32, half: Option<bool>| hours % 12 + if half == Some(true) { 12 } else { 0 };
                        let late = match (half, given) {
                            (Some(_), None) => day(*hours, *half) == *other,
                            _ => day(*other, *given) == *hours,
                        };
                        (late && minutes == others).into()
                    }
                }
            }
            (Node::Time(..), Node::Ratio(_)) | (Node::Ratio(_), Node::Time(..)) => self.maybe_ratio(gold, answer),
            (Node::Time(..), Node::Quantity(..)) | (Node::Quantity(..), Node::Time(..)) => {
                RelationResult::open(UnknownKind::NotProven, "a time")
            }
            _ => RelationResult::Other,
        }
    }

    fn maybe_ratio(&self, gold: &Node, answer: &Node) -> RelationResult {
        let ratio = |node: &Node| match node {
            Node::Time(hours, minutes, None) => vec![Expr::whole((*hours).into()), Expr::whole((*minutes).into())],
            Node::Ratio(parts) => parts.clone(),
            _ => Vec::new(),
        };
        match self.ratios(&ratio(gold), &ratio(answer)) {
            RelationResult::Other => RelationResult::Other,
            _ => RelationResult::open(UnknownKind::NotProven, "a time or a ratio"),
        }
    }

    /// Compares choices. The letter or the content is enough, if the other one does not contradict.
    pub fn choices(&self, gold: &Node, answer: &Node) -> RelationResult {
        match (gold, answer) {
            (Node::Choice(one, behind), Node::Choice(other, given)) => match (one == other, behind, given) {
                (true, Some(behind), Some(given)) if self.same(behind, given) != RelationResult::Same => {
                    RelationResult::open(UnknownKind::NotProven, "one choice with two contents")
                }
                (same, ..) => same.into(),
            },
            (Node::Choice(letter, behind), other) | (other, Node::Choice(letter, behind)) => {
                let single = match other {
                    Node::Quantity(Expr::Name(name), None) if name.chars().count() == 1 => name.chars().next(),
                    _ => None,
                };
                match (single, behind) {
                    (Some(single), _) if single.eq_ignore_ascii_case(letter) => RelationResult::Same,
                    (Some(single), _) if ('A'..='J').contains(&single) => RelationResult::Other,
                    (_, Some(behind)) => self.same(behind, other),
                    (_, None) => RelationResult::open(UnknownKind::Texts, ""),
                }
            }
            _ => RelationResult::Other,
        }
    }

    pub fn cases(&self, rows: &[(Node, Option<Node>)], given: &[(Node, Option<Node>)]) -> RelationResult {
        let row = |(value, condition): &(Node, Option<Node>), (other, others): &(Node, Option<Node>)| {
            let condition = match (condition, others) {
                (Some(one), Some(other)) => self.same(one, other) == RelationResult::Same,
                (None, None) => true,
                _ => false,
            };
            condition && self.same(value, other) == RelationResult::Same
        };
        let found = |rows: &[(Node, Option<Node>)], given: &[(Node, Option<Node>)]| {
            rows.iter().all(|one| given.iter().any(|other| row(one, other)))
        };
        RelationResult::from(rows.len() == given.len() && found(rows, given) && found(given, rows)).or_open("a function by cases")
    }

    /// Compares a tuple with a matrix. With the same members in one row or column the result is open.
    pub fn vector(&self, parts: &[Node], matrix: &Expr) -> RelationResult {
        let Expr::Matrix(rows) = matrix else { return RelationResult::Other };
        let single = rows.len() == 1 || rows.iter().all(|row| row.len() == 1);
        let cells: Vec<Node> = rows.iter().flatten().map(|cell| Node::Quantity(cell.clone(), None)).collect();
        match self.ordered(parts, &cells) {
            RelationResult::Other => RelationResult::Other,
            _ if single => RelationResult::open(UnknownKind::NotProven, "a tuple or a vector"),
            _ => RelationResult::Other,
        }
    }

    /// Whether a chain of numbers is a calculation: its parts are equal, or near where the chain says so, and the first part is not simply repeated
    /// at the end. A part with a unit beside one without is a conversion. Returns true for chains with names.
    pub fn holds_as_calculation(&self, chain: &Node) -> bool {
        let (Some(parts), Node::Chain(_, rest)) = (calculation(chain), chain) else { return true };
        let (Some((first, _)), Some((last, _))) = (parts.first(), parts.last()) else { return true };
        first != last
            && parts.windows(2).zip(rest).all(|(two, (rel, _))| match two {
                [(one, unit), (other, given)] if unit == given => match rel {
                    Rel::About => self.near(one, other),
                    _ => self.expressions(one, other) == RelationResult::Same,
                },
                _ => true,
            })
    }

    /// Whether two equations, or two inequalities, differ only by a factor.
    pub fn equivalent(&self, (l, rel, r): (&Expr, Rel, &Expr), (m, other, s): (&Expr, Rel, &Expr)) -> RelationResult {
        let loose = |rel: Rel| if rel == Rel::About { Rel::Equal } else { rel };
        let (rel, other) = (loose(rel), loose(other));
        let difference = |l: &Expr, r: &Expr| Expr::Sum(vec![l.clone(), Expr::Neg(Box::new(r.clone()))]);
        let (one, two) = (difference(l, r), difference(m, s));
        let mut names = (one.variables(), two.variables());
        names.0.sort();
        names.1.sort();
        if names.0.is_empty() || names.1.is_empty() {
            let same = (rel == other).into();
            return self.values(l, m).and(|| self.values(r, s)).and(|| same).or_open("relations without variables");
        }
        if names.0 != names.1 {
            return RelationResult::open(UnknownKind::NotProven, "relations with other names");
        }
        // The factor is taken from one point; the comparison of values then tells whether it is the same everywhere.
        let Some(factor) = self.factor(&one, &two, &names.0) else {
            return RelationResult::open(UnknownKind::NotProven, "relations that are not calculated");
        };
        let multiplied = Expr::Product(vec![Expr::Num(Literal { value: factor.clone(), places: None }), two]);
        let same = self.values(&one, &multiplied);
        let turned = if factor < RBig::ZERO { other.turned() } else { other };
        match same {
            RelationResult::Same => (rel == turned).into(),
            RelationResult::Other if points::line_in_all(&one) && points::line_in_all(&multiplied) => RelationResult::Other,
            _ => RelationResult::open(UnknownKind::NotProven, "relations that are not solved"),
        }
    }

    /// Returns the ratio of two expressions at a point, if it is an exact number other than zero.
    fn factor(&self, one: &Expr, two: &Expr, names: &[String]) -> Option<RBig> {
        let precision = Precision::new(192, self.steps.get());
        (0..4).find_map(|index| {
            let values: HashMap<String, RBig> = points::values(names, index, 7, &[]);
            let point = EvaluationPoint { values: &values, precision: &precision, log_ten: false, opaque: false };
            let ratio: Complex = one.number(&point).ok()?.div(&two.number(&point).ok()?, &precision).ok()?;
            // A ratio that is not exact may be a simple fraction: that fraction is tried, and compared afterwards.
            let value = match (ratio.re.exact(), ratio.is_real()) {
                (Some(value), true) => value.clone(),
                (None, true) => ratio.re.simple(&precision)?,
                _ => return None,
            };
            (!value.is_zero()).then_some(value)
        })
    }
}

fn scaled(value: &Expr, unit: &Unit) -> Expr {
    Expr::Product(vec![value.clone(), Expr::Num(Literal { value: unit.factor.clone(), places: None })])
}
