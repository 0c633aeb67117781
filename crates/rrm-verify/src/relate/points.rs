//! Points at which expressions with variables are compared: both signs and several sizes, whole numbers for names that can be nothing else, and
//! points between the corners of absolute values.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use dashu_base::Abs;
use dashu_ratio::RBig;

use crate::{
    expr::{Expr, KINKED},
    number::{Complex, Precision},
};

/// A point for comparison, and whether all its values are positive.
pub struct SamplePoint {
    /// The value of each variable.
    pub values: HashMap<String, RBig>,
    /// Whether all values are positive.
    pub positive: bool,
}

/// The size of the values in thousandths, and their signs: all positive, all negative, or alternating.
const SIZES: &[(i64, u8)] =
    &[(1000, 0), (100, 0), (12_000, 0), (3_000_000, 0), (1000, 1), (3000, 2), (40_000, 1), (200, 2), (900, 3), (5_000_000, 1)];

/// Derives a fraction from 1/4 to 9/4 from the hash of its argument.
fn drawn(what: impl Hash) -> RBig {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    let unit = 1i64 << 18;
    RBig::from_parts((unit + (hasher.finish() >> 43) as i64).into(), ((unit as u64) << 2).into())
}

/// Returns the values of the variables at the point with this index.
pub fn values(names: &[String], index: usize, salt: u64, whole: &[String]) -> HashMap<String, RBig> {
    let (size, signs) = SIZES[index % SIZES.len()];
    let value = |(place, name): (usize, &String)| {
        let part = drawn((name, index, salt));
        if whole.contains(name) {
            // From 1 to about 20, larger for higher indices.
            let most = RBig::from(2 + 2 * index as i64);
            return (name.clone(), RBig::from((part * most).floor()) + RBig::ONE);
        }
        let down = match signs {
            0 => false,
            1 => true,
            2 => place % 2 == 0,
            _ => place % 2 == 1,
        };
        let value = part * RBig::from_parts(size.into(), 1000u16.into());
        (name.clone(), if down { -value } else { value })
    };
    names.iter().enumerate().map(value).collect()
}

/// Returns all points for a comparison.
pub fn plan(names: &[String], salt: u64, whole: &[String]) -> Vec<SamplePoint> {
    let point = |index: usize| {
        let values = values(names, index, salt, whole);
        let positive = values.values().all(|value| *value > RBig::ZERO);
        SamplePoint { values, positive }
    };
    (0..SIZES.len()).map(point).collect()
}

/// Whether some names must be whole numbers in one expression but not in the other. Agreement at whole numbers then proves nothing.
pub fn whole_in_one_only(gold: &Expr, answer: &Expr) -> bool {
    let discrete = |expr: &Expr| expr.any(&mut |inner| matches!(inner, Expr::Series(..) | Expr::Progression(..)));
    let (mut one, mut other) = (whole_names(gold), whole_names(answer));
    one.sort();
    other.sort();
    one.dedup();
    other.dedup();
    one != other && !discrete(gold) && !discrete(answer)
}

/// Returns the names that must be whole numbers: those in a factorial, in a binomial coefficient, in the limits of a sum, or in the exponent of a
/// negative number.
pub fn whole_names(expr: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    expr.any(&mut |inner| {
        match inner {
            Expr::Call(name, args) if ["!", "!!", "gcd", "lcm"].contains(&name.as_str()) => {
                args.iter().for_each(|arg| found.extend(arg.variables()))
            }
            Expr::Call(name, args) if name == "binom" => {
                let below = args.get(1).map(Expr::variables).unwrap_or_default();
                if !below.is_empty() {
                    found.extend(args[0].variables());
                }
                found.extend(below);
            }
            Expr::Series(_, _, from, to, _) => {
                found.extend(from.variables());
                found.extend(to.variables());
            }
            Expr::Progression(_, last) => found.extend(last.variables()),
            Expr::Pow(base, exponent) if base.is_constant() && negative(base) => found.extend(exponent.variables()),
            _ => {}
        }
        false
    });
    found
}

fn negative(expr: &Expr) -> bool {
    match expr {
        Expr::Neg(_) => true,
        Expr::Div(over, under) => negative(over) != negative(under),
        _ => false,
    }
}

/// Whether the expression has a function with corners or steps of a variable.
pub fn kinked(expr: &Expr) -> bool {
    expr.any(&mut |inner| matches!(inner, Expr::Call(name, _) if KINKED.contains(&name.as_str()) && !inner.is_constant()))
}

/// Whether the expression has a root, a logarithm or a power with another exponent than a whole number, of a variable.
pub fn rooted(expr: &Expr) -> bool {
    expr.any(&mut |inner| match inner {
        Expr::Call(name, _) => matches!(name.as_str(), "sqrt" | "ln" | "log") && !inner.is_constant(),
        Expr::Pow(base, exponent) => !base.is_constant() && !matches!(&**exponent, Expr::Num(number) if number.value.is_int()),
        _ => false,
    })
}

/// Adds points between the corners of absolute values to the plan. Returns true if these points cover all pieces.
pub fn between_corners(gold: &Expr, answer: &Expr, names: &[String], plan: &mut Vec<SamplePoint>) -> bool {
    let mut arguments: Vec<Expr> = Vec::new();
    let mut steps = false;
    for expr in [gold, answer] {
        expr.any(&mut |inner| {
            if let Expr::Call(name, args) = inner
                && KINKED.contains(&name.as_str())
                && !inner.is_constant()
            {
                match name.as_str() {
                    "abs" => arguments.extend(args.iter().cloned()),
                    "max" | "min" if args.len() == 2 => {
                        arguments.push(Expr::Sum(vec![args[0].clone(), Expr::Neg(Box::new(args[1].clone()))]));
                    }
                    _ => steps = true,
                }
            }
            false
        });
    }
    if steps {
        return false;
    }
    if let [name] = names {
        let corners: Option<Vec<RBig>> = arguments.iter().map(|argument| corner(argument, name)).collect();
        let Some(mut corners) = corners else { return false };
        corners.sort();
        let half = RBig::from_parts(1.into(), 2u8.into());
        let mut places: Vec<RBig> = corners.windows(2).map(|two| (&two[0] + &two[1]) * &half).collect();
        places.extend(corners.first().map(|low| low - low.clone().abs() - RBig::from(3)));
        places.extend(corners.last().map(|high| high + high.clone().abs() + RBig::from(3)));
        plan.extend(places.into_iter().map(|value| {
            let positive = value > RBig::ZERO;
            SamplePoint { values: HashMap::from([(name.clone(), value)]), positive }
        }));
        return true;
    }
    // With several variables all combinations of signs are tried, if only the signs of the variables decide.
    if names.len() > 4 || !arguments.iter().all(monomial) {
        return false;
    }
    for signs in 0..1usize << names.len() {
        let value = |(place, name): (usize, &String)| {
            let value = drawn((name, signs, "signs"));
            (name.clone(), if signs >> place & 1 == 1 { -value } else { value })
        };
        plan.push(SamplePoint { values: names.iter().enumerate().map(value).collect(), positive: signs == 0 });
    }
    true
}

/// Whether the signs of its names determine the sign of an expression.
fn monomial(expr: &Expr) -> bool {
    match expr {
        Expr::Name(_) => true,
        Expr::Neg(inner) => monomial(inner),
        Expr::Product(factors) => factors.iter().all(monomial),
        Expr::Div(over, under) => monomial(over) && monomial(under),
        other => other.is_constant(),
    }
}

/// Returns the zero of a linear expression in one name.
fn corner(expr: &Expr, name: &str) -> Option<RBig> {
    let (slope, start) = line(expr, name)?;
    (!slope.is_zero()).then(|| -start / slope)
}

/// Returns slope and constant of an expression that is linear in one name, with fractions as coefficients; otherwise `None`.
pub fn line(expr: &Expr, name: &str) -> Option<(RBig, RBig)> {
    if expr.any(&mut |inner| matches!(inner, Expr::Call(..))) || expr.variables() != [name.to_owned()] {
        return None;
    }
    let precision = Precision::new(64, 10_000);
    let at = |value: i64| {
        let values = HashMap::from([(name.to_owned(), RBig::from(value))]);
        let point = crate::expr::EvaluationPoint { values: &values, precision: &precision, log_ten: false, opaque: false };
        let value: Complex = expr.number(&point).ok()?;
        value.re.exact().cloned().filter(|_| value.is_real())
    };
    let (zero, one, seven, far) = (at(0)?, at(1)?, at(7)?, at(-31)?);
    let slope = &one - &zero;
    let fits = seven == &zero + &slope * RBig::from(7) && far == &zero - &slope * RBig::from(31);
    fits.then_some((slope, zero))
}

/// Returns the permutations of up to three indices.
pub fn orders(count: usize) -> Vec<Vec<usize>> {
    match count {
        0 | 1 => vec![vec![0]],
        2 => vec![vec![0, 1], vec![1, 0]],
        _ => vec![vec![0, 1, 2], vec![0, 2, 1], vec![1, 0, 2], vec![1, 2, 0], vec![2, 0, 1], vec![2, 1, 0]],
    }
}

/// Whether an expression is linear: a sum of multiples of single names, and of numbers.
pub fn line_in_all(expr: &Expr) -> bool {
    match expr {
        Expr::Sum(terms) => terms.iter().all(line_in_all),
        Expr::Neg(inner) => line_in_all(inner),
        Expr::Product(factors) => {
            factors.iter().filter(|factor| !factor.is_constant()).count() <= 1 && factors.iter().all(line_in_all)
        }
        Expr::Div(over, under) => under.is_constant() && line_in_all(over),
        Expr::Name(_) => true,
        other => other.is_constant(),
    }
}
