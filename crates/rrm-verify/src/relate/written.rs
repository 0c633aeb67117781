//! Comparison of numbers by their notation: percent signs, bases, rounded decimals, infinity.

use std::collections::HashMap;

use dashu_ratio::RBig;

use super::{Relation, RelationResult, points, values::FIRST};
use crate::{
    UnknownKind,
    expr::{EvaluationPoint, Expr},
    number::{Complex, Precision, RealNumber},
};

impl Relation<'_> {
    /// Compares a number with a percent or degree sign and one without: it may equal the value with the sign applied, or the number alone. For small
    /// numbers with a percent sign the number alone is open, because `0.25\%` hardly means 0.25.
    pub fn marked(&self, mark: &str, (number, whole): (&Expr, &Expr), bare: &Expr) -> RelationResult {
        let plain = match self.values(number, bare) {
            RelationResult::Same if mark == "%" && self.small(bare) => {
                RelationResult::open(UnknownKind::NotProven, "a small number with or without percent")
            }
            said => said,
        };
        plain.or(|| self.values(whole, bare))
    }

    /// Whether the absolute value of a number is at most one, or is not known.
    fn small(&self, expr: &Expr) -> bool {
        let precision = Precision::new(FIRST, self.steps.get());
        let point = EvaluationPoint { values: &HashMap::new(), precision: &precision, log_ten: false, opaque: false };
        let size = expr.number(&point).and_then(|value| value.abs(&precision));
        size.and_then(|size| size.compare(&RealNumber::ONE, &precision))
            .ok()
            .flatten()
            .is_none_or(|side| side != std::cmp::Ordering::Greater)
    }

    /// Compares an infinity with another value: a finite one differs, any other is open.
    pub fn finite(&self, other: &Expr) -> RelationResult {
        let precision = Precision::new(FIRST, self.steps.get());
        let values = points::values(&other.variables(), 0, 0, &[]);
        let point = EvaluationPoint { values: &values, precision: &precision, log_ten: false, opaque: false };
        let said = match other.value(&point) {
            Ok(_) => RelationResult::Other,
            Err(_) => RelationResult::open(UnknownKind::NotProven, "no finite value"),
        };
        self.spend(&precision);
        said
    }

    /// Compares numbers in different bases. The same value in another base, or the same digits without the base, is open. `None` if neither number
    /// has a base.
    pub fn bases(&self, gold: &Expr, answer: &Expr) -> Option<RelationResult> {
        let digits = |number: &Expr| match number {
            Expr::Num(number) if number.places.is_none() => Some(number.value.clone()),
            _ => None,
        };
        match (gold, answer) {
            (Expr::Neg(gold), Expr::Neg(answer)) => self.bases(gold, answer),
            (Expr::Based(_, base, one), Expr::Based(_, other_base, other)) => Some(match (base == other_base, one == other) {
                (true, true) => RelationResult::Same,
                (false, true) => RelationResult::open(UnknownKind::NotProven, "the same number in another base"),
                (_, false) => RelationResult::Other,
            }),
            (Expr::Based(written, _, value), other) | (other, Expr::Based(written, _, value)) => {
                let number = digits(other)?;
                let alike = number == *value || number.to_string() == *written;
                Some(if alike {
                    RelationResult::open(UnknownKind::NotProven, "a number without its base")
                } else {
                    RelationResult::Other
                })
            }
            _ => None,
        }
    }

    /// Compares a decimal with a number that it does not equal exactly. It may be the rounded number if that has infinitely many decimals. `None` if
    /// neither is written as a decimal.
    pub fn decimals(&self, gold: &Expr, answer: &Expr) -> Option<RelationResult> {
        let (one, other) = (gold.places(), answer.places());
        if one.is_none() && other.is_none() {
            return None;
        }
        let precision = Precision::new(FIRST, self.steps.get());
        let point = EvaluationPoint { values: &HashMap::new(), precision: &precision, log_ten: false, opaque: false };
        let (one_value, other_value) = (gold.number(&point).ok()?, answer.number(&point).ok()?);
        let apart = one_value.sub(&other_value, &precision).ok()?.abs(&precision).ok()?;
        self.spend(&precision);
        let within = |halves: i64, places: u32| {
            let bound = RBig::from_parts(halves.into(), 2u8.into()) / RBig::from(10u8).pow(places as isize);
            apart
                .compare(&RealNumber::Exact(bound), &precision)
                .ok()
                .flatten()
                .is_some_and(|side| side != std::cmp::Ordering::Greater)
        };
        let near = within(1, self.options.decimals);
        let places = one.into_iter().chain(other).min()?;
        // A number with infinitely many decimals is rounded to the decimals as written.
        let ends = |value: &Complex| value.is_real() && value.re.exact().is_some_and(terminates);
        if ends(&one_value) && ends(&other_value) {
            return Some(if near {
                RelationResult::open(UnknownKind::NotProven, "decimals that differ beyond the places that count")
            } else {
                RelationResult::Other
            });
        }
        // Too few significant digits, or a whole number written with zeros, do not identify a number with infinitely many decimals.
        let written = if one.is_some() { &one_value } else { &other_value };
        let counted = if places >= 6 { 100 } else { 10 };
        let bound = RBig::from(counted) / RBig::from(10u8).pow(places as isize);
        let digits =
            written.re.abs().compare(&RealNumber::Exact(bound), &precision).ok().flatten() == Some(std::cmp::Ordering::Greater);
        let whole = written.re.exact().is_some_and(RBig::is_int);
        Some(match within(1, places) {
            true if places >= self.options.decimals && digits && !whole => RelationResult::Same,
            true if places > 0 => RelationResult::open(UnknownKind::NotProven, "rounded to too few digits"),
            _ if near || (places >= self.options.decimals && within(2, places)) => {
                RelationResult::open(UnknownKind::NotProven, "decimals that differ beyond the places that count")
            }
            _ => RelationResult::Other,
        })
    }

    /// Whether either expression has decimals and both agree within about a thousandth.
    pub fn roughly(&self, gold: &Expr, answer: &Expr) -> bool {
        (gold.has_decimals() || answer.has_decimals()) && self.within(gold, answer, 9)
    }

    /// Whether a number approximates another one.
    pub fn near(&self, gold: &Expr, answer: &Expr) -> bool {
        self.within(gold, answer, 4)
    }

    /// Whether two numbers agree in about `bits` leading bits.
    fn within(&self, gold: &Expr, answer: &Expr, bits: i64) -> bool {
        let precision = Precision::new(FIRST, self.steps.get());
        let point = EvaluationPoint { values: &HashMap::new(), precision: &precision, log_ten: false, opaque: false };
        let (Ok(one), Ok(other)) = (gold.number(&point), answer.number(&point)) else { return false };
        let apart = one.sub(&other, &precision).and_then(|apart| apart.abs(&precision));
        let size = one.abs(&precision);
        match (apart, size) {
            (Ok(apart), Ok(size)) => apart.is_zero() || apart.top() < size.top() - bits,
            _ => false,
        }
    }
}

/// Whether a fraction has finitely many decimals.
fn terminates(value: &RBig) -> bool {
    let mut under = value.denominator().clone();
    for prime in [2u8, 5] {
        let prime = dashu_int::UBig::from(prime);
        under.remove(&prime);
    }
    under.is_one()
}
