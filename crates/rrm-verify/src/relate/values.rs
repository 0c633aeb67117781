//! Two expressions -> whether they have the same value wherever both are defined.
//!
//! Expressions without variables are calculated exactly, or with so many digits that two different numbers of their sizes would differ. Expressions
//! with variables are calculated at points of both signs and several sizes, which are derived from the expressions.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use dashu_ratio::RBig;

use super::{Relation, RelationResult, points};
use crate::{
    UnknownKind,
    expr::{EvaluationPoint, Expr, ExprValue},
    number::{Complex, NumberError, Precision},
};

/// Bits of the first calculation, which separates most numbers.
pub const FIRST: usize = 192;
/// Most bits for comparing numbers that are not exact.
const LAST: usize = 1 << 15;
/// Most bits at one of several points. If these do not decide, another point is cheaper than more bits.
const LAST_AT_POINT: usize = 1 << 11;
/// Most bits of an exact number at one of several points.
const MOST_AT_POINT: usize = 1 << 15;

/// The result of a comparison at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PointResult {
    /// Both have the same value.
    Same,
    /// The values differ, and this is proven.
    Apart,
    /// Only one of them is defined there.
    Domain,
    /// Neither is defined there, or the result is not known.
    Nothing,
    /// The calculation takes too much work.
    TooMuch,
}

impl Relation<'_> {
    /// Compares two expressions. A percentage may equal its number or its hundredth, and an angle in degrees its number or its radians.
    pub fn expressions(&self, gold: &Expr, answer: &Expr) -> RelationResult {
        let inside = |expr: &Expr, mark: &str| match expr {
            Expr::Call(name, args) if name == mark => args.first().cloned(),
            Expr::Neg(inner) => match &**inner {
                Expr::Call(name, args) if name == mark => args.first().map(|arg| Expr::Neg(Box::new(arg.clone()))),
                _ => None,
            },
            _ => None,
        };
        for mark in ["%", "deg"] {
            match (inside(gold, mark), inside(answer, mark)) {
                (Some(gold), Some(answer)) => return self.values(&gold, &answer),
                (Some(number), None) => return self.marked(mark, (&number, gold), answer),
                (None, Some(number)) => return self.marked(mark, (&number, answer), gold),
                (None, None) => {}
            }
        }
        let degrees = |expr: &Expr| expr.any(&mut |inner| matches!(inner, Expr::Call(name, _) if name == "deg"));
        if degrees(gold) != degrees(answer) {
            // `180^\circ - 2\alpha` and the same without the degree sign.
            return self.values(gold, answer).or(|| self.values(&gold.without_degrees(), &answer.without_degrees()));
        }
        self.values(gold, answer)
    }

    /// Compares the values of two expressions.
    pub fn values(&self, gold: &Expr, answer: &Expr) -> RelationResult {
        if gold == answer {
            return RelationResult::Same;
        }
        if strange(gold) || strange(answer) {
            return RelationResult::open(UnknownKind::NotProven, "a command that is not known");
        }
        if gold.shape() == answer.shape() {
            return RelationResult::Same;
        }
        let doubly = |expr: &Expr| {
            let mut signs = 0;
            expr.any(&mut |inner| {
                signs += usize::from(matches!(inner, Expr::PlusMinus(..)));
                false
            });
            signs > 1
        };
        if doubly(gold) || doubly(answer) {
            return RelationResult::open(UnknownKind::SeveralReadings, "several \\pm");
        }
        if let (Expr::Matrix(rows), Expr::Matrix(others)) = (gold, answer) {
            let shape = |rows: &[Vec<Expr>]| (rows.len(), rows.first().map_or(0, Vec::len));
            if shape(rows) != shape(others) {
                return RelationResult::Other;
            }
            let cells = rows.iter().flatten().zip(others.iter().flatten());
            return cells.fold(RelationResult::Same, |said, (gold, answer)| said.and(|| self.expressions(gold, answer)));
        }
        let logarithm =
            |expr: &Expr| expr.any(&mut |inner| matches!(inner, Expr::Call(name, args) if name == "log" && args.len() == 1));
        let ambiguous = logarithm(gold) || logarithm(answer);
        let first = self.by_base(gold, answer, false);
        if !ambiguous {
            return first;
        }
        match (first, self.by_base(gold, answer, true)) {
            (RelationResult::Same, RelationResult::Same) => RelationResult::Same,
            (RelationResult::Other, RelationResult::Other) => RelationResult::Other,
            _ => RelationResult::open(UnknownKind::SeveralReadings, "\\log without a base"),
        }
    }

    fn by_base(&self, gold: &Expr, answer: &Expr, log_ten: bool) -> RelationResult {
        match (gold.infinity(), answer.infinity()) {
            (Some(one), Some(other)) => return if one == other { RelationResult::Same } else { RelationResult::Other },
            (Some(_), None) => return self.finite(answer),
            (None, Some(_)) => return self.finite(gold),
            (None, None) => {}
        }
        if let Some(said) = self.bases(gold, answer) {
            return said;
        }
        let (names, others) = (gold.variables(), answer.variables());
        if names.is_empty() && others.is_empty() {
            return match self.constants(gold, answer, log_ten) {
                RelationResult::Same => RelationResult::Same,
                said => self.decimals(gold, answer).unwrap_or(said),
            };
        }
        let mut sorted = (names.clone(), others.clone());
        sorted.0.sort();
        sorted.1.sort();
        if sorted.0 == sorted.1 || names.is_empty() || others.is_empty() {
            return self.at_points(gold, answer, log_ten);
        }
        let renamed = names.len() == others.len();
        if !self.options.same_names && renamed {
            return self.at_points(gold, &rename(answer, &others, &names), log_ten);
        }
        match self.at_points(gold, answer, log_ten) {
            RelationResult::Other if renamed && self.same_but_for_names(gold, answer, &names, &others, log_ten) => {
                RelationResult::open(UnknownKind::NotProven, "equal but for names")
            }
            said => said,
        }
    }

    pub fn spend(&self, precision: &Precision) {
        self.steps.set(precision.steps.get());
    }

    fn constants(&self, gold: &Expr, answer: &Expr, log_ten: bool) -> RelationResult {
        match self.at(gold, answer, &HashMap::new(), (log_ten, false)) {
            PointResult::Same => RelationResult::Same,
            PointResult::Apart if unknown(gold) || unknown(answer) => {
                RelationResult::open(UnknownKind::NotProven, "a function that is not known")
            }
            PointResult::Apart if self.roughly(gold, answer) => {
                RelationResult::open(UnknownKind::NotProven, "decimals inside of an expression")
            }
            PointResult::Apart => RelationResult::Other,
            PointResult::TooMuch => RelationResult::open(UnknownKind::TooManySteps, ""),
            PointResult::Domain => RelationResult::open(UnknownKind::NotProven, "no finite value"),
            PointResult::Nothing => RelationResult::open(UnknownKind::NotProven, "a value that is not calculated"),
        }
    }

    fn same_but_for_names(&self, gold: &Expr, answer: &Expr, names: &[String], others: &[String], log_ten: bool) -> bool {
        points::orders(names.len().min(3)).into_iter().any(|order| {
            let names: Vec<String> = (0..names.len()).map(|at| names[order.get(at).copied().unwrap_or(at)].clone()).collect();
            self.at_points(gold, &rename(answer, others, &names), log_ten) == RelationResult::Same
        })
    }

    /// Compares two expressions with variables at points of both signs and several sizes.
    fn at_points(&self, gold: &Expr, answer: &Expr, log_ten: bool) -> RelationResult {
        let mut names = gold.variables();
        names.extend(answer.variables().into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
        let whole = points::whole_names(gold).into_iter().chain(points::whole_names(answer)).collect::<Vec<_>>();
        let kinked = points::kinked(gold) || points::kinked(answer);
        let mut seeds = [seed(gold), seed(answer)];
        seeds.sort_unstable();
        let salt = seeds[0].rotate_left(17) ^ seeds[1];
        if kinked
            && self.all_points(gold, answer, &points::plan(&names, salt, &whole), (log_ten, true)) == Some(RelationResult::Same)
        {
            return RelationResult::Same;
        }
        let mut plan = points::plan(&names, salt, &whole);
        let complete = !kinked || points::between_corners(gold, answer, &names, &mut plan);
        match self.all_points(gold, answer, &plan, (log_ten, false)) {
            Some(RelationResult::Same) if points::whole_in_one_only(gold, answer) => {
                RelationResult::open(UnknownKind::NotProven, "equal for whole numbers only")
            }
            Some(RelationResult::Same) if !complete => {
                RelationResult::open(UnknownKind::NotProven, "corners of |...|, max, min or steps")
            }
            Some(RelationResult::Other) if unknown(gold) || unknown(answer) => {
                RelationResult::open(UnknownKind::NotProven, "a function or sign that is not known")
            }
            Some(said) => said,
            None => RelationResult::open(UnknownKind::NotProven, "no value at any point"),
        }
    }

    /// Combines the results of all points; `None` if fewer than two points give the same value and none a difference.
    fn all_points(&self, gold: &Expr, answer: &Expr, plan: &[points::SamplePoint], how: (bool, bool)) -> Option<RelationResult> {
        let (mut same, mut domain, mut positive, mut costly) = (0, 0, 0, 0);
        let mut negative_apart = false;
        for planned in plan {
            match self.at(gold, answer, &planned.values, how) {
                PointResult::Same => {
                    same += 1;
                    positive += usize::from(planned.positive);
                }
                PointResult::Apart if planned.positive => return Some(RelationResult::Other),
                PointResult::Apart => negative_apart = true,
                PointResult::Domain => domain += 1,
                PointResult::Nothing => {}
                PointResult::TooMuch => costly += 1,
            }
            if self.steps.get() == 0 {
                return Some(RelationResult::open(UnknownKind::TooManySteps, ""));
            }
        }
        let rooted = points::rooted(gold) || points::rooted(answer);
        if negative_apart {
            let explicit = points::kinked(gold) || points::kinked(answer);
            let positive_only = rooted && !explicit && positive > 0;
            return Some(if positive_only {
                RelationResult::open(UnknownKind::NotProven, "equal for positive values only")
            } else {
                RelationResult::Other
            });
        }
        match same {
            // A point that costs too much is skipped; enough others must be left.
            0..4 if costly > 0 => Some(RelationResult::open(UnknownKind::TooManySteps, "")),
            0 | 1 => None,
            _ if domain > 0 => Some(RelationResult::open(UnknownKind::NotProven, "equal where both have a value")),
            _ => Some(RelationResult::Same),
        }
    }

    /// Compares two expressions at one point, with more digits if the first ones do not decide.
    fn at(&self, gold: &Expr, answer: &Expr, values: &HashMap<String, RBig>, (log_ten, opaque): (bool, bool)) -> PointResult {
        let mut bits = FIRST;
        let last = if values.is_empty() { LAST } else { LAST_AT_POINT };
        for round in 0..3 {
            let mut precision = Precision::new(bits, self.steps.get());
            if !values.is_empty() {
                precision.most = MOST_AT_POINT;
            }
            let point = EvaluationPoint { values, precision: &precision, log_ten, opaque };
            let imaginary = values.is_empty() || has_i(gold) || has_i(answer);
            let value = |expr: &Expr| {
                precision.left_reals.set(false);
                let value = expr.value(&point);
                if precision.left_reals.get() && !imaginary { Err(NumberError::Undefined) } else { value }
            };
            let said = match (value(gold), value(answer)) {
                (Ok(gold), Ok(answer)) => beside(&gold, &answer, &precision),
                (Err(NumberError::TooMuch), _) | (_, Err(NumberError::TooMuch)) => Ok(PointResult::TooMuch),
                (Err(NumberError::Undefined), Ok(_)) | (Ok(_), Err(NumberError::Undefined)) => Ok(PointResult::Domain),
                _ => Ok(PointResult::Nothing),
            };
            self.spend(&precision);
            let more = FIRST + 64 + 4 * precision.largest.get();
            match said {
                Ok(PointResult::Nothing) if bits == FIRST && more <= last => bits = more,
                Ok(said) => return said,
                Err(NumberError::TooMuch) => return PointResult::TooMuch,
                Err(_) if bits >= more => return PointResult::Same,
                Err(_) if round == 2 => return PointResult::TooMuch,
                Err(_) if more > last => return PointResult::TooMuch,
                Err(_) => bits = more,
            }
        }
        PointResult::Nothing
    }
}

/// Whether two values are the same. Fails if the digits do not separate them.
fn beside(gold: &ExprValue, answer: &ExprValue, precision: &Precision) -> Result<PointResult, NumberError> {
    match (gold, answer) {
        (ExprValue::Number(gold), ExprValue::Number(answer)) => numbers(gold, answer, precision),
        (ExprValue::Matrix(gold), ExprValue::Matrix(answer)) => {
            let shape = |rows: &[Vec<Complex>]| (rows.len(), rows.first().map_or(0, Vec::len));
            if shape(gold) != shape(answer) {
                return Ok(PointResult::Apart);
            }
            let mut open = None;
            for (gold, answer) in gold.iter().flatten().zip(answer.iter().flatten()) {
                match numbers(gold, answer, precision) {
                    Ok(PointResult::Same) => {}
                    Ok(other) => return Ok(other),
                    Err(fail) => open = Some(fail),
                }
            }
            open.map_or(Ok(PointResult::Same), Err)
        }
        _ => Ok(PointResult::Apart),
    }
}

fn numbers(gold: &Complex, answer: &Complex, precision: &Precision) -> Result<PointResult, NumberError> {
    let mut open = false;
    for (one, other) in [(&gold.re, &answer.re), (&gold.im, &answer.im)] {
        let apart = one.sub(other, precision)?;
        match apart.sign() {
            Some(0) => {}
            Some(_) => return Ok(PointResult::Apart),
            // Error bounds that are too wide decide nothing.
            None if apart.error() > one.top().max(other.top()).max(0) - precision.bits as i64 / 2 => {
                return Ok(PointResult::Nothing);
            }
            None => open = true,
        }
    }
    if open { Err(NumberError::Unsure) } else { Ok(PointResult::Same) }
}

fn has_i(expr: &Expr) -> bool {
    expr.any(&mut |inner| inner.name() == Some("i"))
}

/// Whether the expression has an unknown command, or a product of vectors, which may not commute.
fn strange(expr: &Expr) -> bool {
    let vector = |name: &str| name.starts_with("vec ") || name.starts_with("overrightarrow ");
    expr.any(&mut |inner| match inner {
        Expr::Name(name) => name.starts_with('\\'),
        Expr::Product(factors) => factors.iter().filter(|factor| factor.name().is_some_and(vector)).count() > 1,
        _ => false,
    })
}

/// Whether the expression has a function or a command of which nothing is known.
fn unknown(expr: &Expr) -> bool {
    expr.any(&mut |inner| match inner {
        Expr::Name(name) => name.starts_with('\\'),
        Expr::Call(name, _) => {
            name.starts_with("of ")
                || ["arcsec", "arccsc", "arccot", "coth", "sech", "csch", "arg", "Pr"].contains(&name.as_str())
        }
        _ => false,
    })
}

fn rename(expr: &Expr, from: &[String], to: &[String]) -> Expr {
    // Renames by way of unused names, so that two names can be exchanged.
    let aside = from.iter().enumerate().fold(expr.clone(), |expr, (at, name)| expr.replaced(name, &Expr::Name(format!("#{at}"))));
    to.iter().enumerate().fold(aside, |expr, (at, name)| expr.replaced(&format!("#{at}"), &Expr::Name(name.clone())))
}

fn seed(expr: &Expr) -> u64 {
    let mut hasher = DefaultHasher::new();
    expr.shape().hash(&mut hasher);
    hasher.finish()
}
