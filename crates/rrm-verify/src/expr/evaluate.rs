//! Expression -> its value at a point, exact where possible.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use dashu_ratio::RBig;

use super::{Expr, functions::call, series};
use crate::number::{Complex, NumberError, Precision, RealNumber};

/// A point for evaluation: values of the variables, and the precision.
pub struct EvaluationPoint<'a> {
    /// Values of the variables by name.
    pub values: &'a HashMap<String, RBig>,
    /// The bits to calculate with and the steps that are left.
    pub precision: &'a Precision,
    /// The base of `\log` without a written base: 10 if true, Euler's number otherwise.
    pub log_ten: bool,
    /// Whether functions with corners or steps (`abs`, `floor`, `max`, ...) are opaque: equal arguments give equal values, and nothing else is
    /// assumed of them.
    pub opaque: bool,
}

/// The value of an expression.
#[derive(Clone, Debug)]
pub enum ExprValue {
    /// A number.
    Number(Complex),
    /// A matrix, as rows.
    Matrix(Vec<Vec<Complex>>),
}

/// Derives a fraction between 1/4 and 9/4 from the hash of its argument.
pub fn drawn(what: impl Hash) -> RBig {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    let unit = 1i64 << 32;
    RBig::from_parts((unit + (hasher.finish() >> 29) as i64).into(), ((unit as u64) << 2).into())
}

impl Expr {
    /// Evaluates the expression. Fails if it has no finite value, if its digits do not decide, or if it takes too much work.
    pub fn value(&self, point: &EvaluationPoint<'_>) -> Result<ExprValue, NumberError> {
        let precision = point.precision;
        precision.take(64)?;
        match self {
            Expr::Sum(terms) => fold(terms, point, |a, b| add(a, b, precision)),
            Expr::Product(factors) => fold(factors, point, |a, b| multiply(a, b, precision)),
            Expr::Neg(inner) => match inner.value(point)? {
                ExprValue::Number(value) => Ok(ExprValue::Number(value.neg())),
                ExprValue::Matrix(rows) => {
                    Ok(ExprValue::Matrix(rows.into_iter().map(|row| row.iter().map(Complex::neg).collect()).collect()))
                }
            },
            Expr::Div(over, under) => match (over.value(point)?, under.value(point)?) {
                (ExprValue::Number(over), ExprValue::Number(under)) => over.div(&under, precision).map(ExprValue::Number),
                (over, ExprValue::Number(under)) => {
                    multiply(over, ExprValue::Number(Complex::whole(1).div(&under, precision)?), precision)
                }
                _ => Err(NumberError::Unsure),
            },
            Expr::Pow(base, exponent) => match (base.value(point)?, exponent.value(point)?) {
                (ExprValue::Number(base), ExprValue::Number(exponent)) => base.pow(&exponent, precision).map(ExprValue::Number),
                (matrix @ ExprValue::Matrix(_), ExprValue::Number(exponent)) => matrix_power(matrix, &exponent, precision),
                _ => Err(NumberError::Unsure),
            },
            Expr::Matrix(rows) => {
                let row = |row: &Vec<Expr>| row.iter().map(|cell| cell.number(point)).collect();
                rows.iter().map(row).collect::<Result<_, _>>().map(ExprValue::Matrix)
            }
            Expr::Call(name, args) if name == "det" => match args.as_slice() {
                [matrix] => determinant(matrix.value(point)?, precision).map(ExprValue::Number),
                _ => Err(NumberError::Unsure),
            },
            _ => self.number(point).map(ExprValue::Number),
        }
    }

    /// Evaluates an expression that is not a matrix.
    pub fn number(&self, point: &EvaluationPoint<'_>) -> Result<Complex, NumberError> {
        let precision = point.precision;
        match self {
            Expr::Num(number) => Ok(RealNumber::Exact(number.value.clone()).into()),
            Expr::Based(_, _, value) => Ok(RealNumber::Exact(value.clone()).into()),
            // The index of a sum may be called `i`.
            Expr::Name(name) if point.values.contains_key(name) => {
                point.values.get(name).map(|value| RealNumber::Exact(value.clone()).into()).ok_or(NumberError::Unsure)
            }
            Expr::Name(name) => match name.as_str() {
                "π" => RealNumber::pi(precision).map(Into::into),
                "e" => RealNumber::e(precision).map(Into::into),
                "i" => Ok(Complex { re: RealNumber::ZERO, im: RealNumber::ONE }),
                "∞" => Err(NumberError::Undefined),
                _ => Err(NumberError::Unsure),
            },
            Expr::Call(name, args) if name != "det" => {
                let in_degrees = trigonometric(name) && args.iter().any(|arg| arg.any(&mut is_degree));
                let args = args.iter().map(|arg| {
                    let value = arg.number(point)?;
                    if name == "deg" && !in_degrees { radians(value, precision) } else { Ok(value) }
                });
                call(name, &args.collect::<Result<Vec<_>, _>>()?, point)
            }
            Expr::Series(kind, name, from, to, body) => series::series(kind, name, (from, to), body, point),
            Expr::Integral(name, from, to, body) => series::integral(name, (from, to), body, point),
            Expr::Progression(terms, last) => series::progression(terms, last, point),
            Expr::PlusMinus(..) => Err(NumberError::Unsure),
            other => match other.value(point)? {
                ExprValue::Number(value) => Ok(value),
                ExprValue::Matrix(_) => Err(NumberError::Unsure),
            },
        }
    }
}

fn is_degree(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(name, _) if name == "deg")
}

fn trigonometric(name: &str) -> bool {
    ["sin", "cos", "tan", "cot", "sec", "csc"].contains(&name)
}

fn radians(degrees: Complex, precision: &Precision) -> Result<Complex, NumberError> {
    let pi = RealNumber::pi(precision)?;
    degrees.mul(&pi.mul(&RealNumber::Exact(RBig::from_parts(1.into(), 180u8.into())), precision)?.into(), precision)
}

fn fold(
    all: &[Expr],
    point: &EvaluationPoint<'_>,
    join: impl Fn(ExprValue, ExprValue) -> Result<ExprValue, NumberError>,
) -> Result<ExprValue, NumberError> {
    let (first, rest) = all.split_first().ok_or(NumberError::Unsure)?;
    rest.iter().try_fold(first.value(point)?, |sum, next| join(sum, next.value(point)?))
}

fn add(a: ExprValue, b: ExprValue, precision: &Precision) -> Result<ExprValue, NumberError> {
    match (a, b) {
        (ExprValue::Number(a), ExprValue::Number(b)) => a.add(&b, precision).map(ExprValue::Number),
        (ExprValue::Matrix(a), ExprValue::Matrix(b)) if shape(&a) == shape(&b) => {
            let row = |(a, b): (&Vec<Complex>, &Vec<Complex>)| a.iter().zip(b).map(|(a, b)| a.add(b, precision)).collect();
            a.iter().zip(&b).map(row).collect::<Result<_, _>>().map(ExprValue::Matrix)
        }
        _ => Err(NumberError::Undefined),
    }
}

fn shape(rows: &[Vec<Complex>]) -> (usize, usize) {
    (rows.len(), rows.first().map_or(0, Vec::len))
}

fn multiply(a: ExprValue, b: ExprValue, precision: &Precision) -> Result<ExprValue, NumberError> {
    match (a, b) {
        (ExprValue::Number(a), ExprValue::Number(b)) => a.mul(&b, precision).map(ExprValue::Number),
        (ExprValue::Number(one), ExprValue::Matrix(rows)) | (ExprValue::Matrix(rows), ExprValue::Number(one)) => {
            let row = |row: Vec<Complex>| row.iter().map(|cell| cell.mul(&one, precision)).collect();
            rows.into_iter().map(row).collect::<Result<_, _>>().map(ExprValue::Matrix)
        }
        (ExprValue::Matrix(a), ExprValue::Matrix(b)) => {
            let ((_, inner), (rows, columns)) = (shape(&a), shape(&b));
            if inner != rows {
                return Err(NumberError::Undefined);
            }
            let cell = |row: &Vec<Complex>, column: usize| {
                row.iter().zip(&b).try_fold(Complex::whole(0), |sum, (a, b)| sum.add(&a.mul(&b[column], precision)?, precision))
            };
            let row = |row: &Vec<Complex>| (0..columns).map(|column| cell(row, column)).collect();
            a.iter().map(row).collect::<Result<_, _>>().map(ExprValue::Matrix)
        }
    }
}

fn matrix_power(matrix: ExprValue, exponent: &Complex, precision: &Precision) -> Result<ExprValue, NumberError> {
    let times = exponent.re.exact().and_then(crate::number::small).filter(|times| (1..=64).contains(times) && exponent.is_real());
    let times = times.ok_or(NumberError::Unsure)?;
    (1..times).try_fold(matrix.clone(), |power, _| multiply(power, matrix.clone(), precision))
}

fn determinant(value: ExprValue, precision: &Precision) -> Result<Complex, NumberError> {
    let ExprValue::Matrix(rows) = value else { return Err(NumberError::Unsure) };
    let (height, width) = shape(&rows);
    if height != width || height == 0 {
        return Err(NumberError::Undefined);
    }
    if height > 6 {
        return Err(NumberError::TooMuch);
    }
    expand(&rows.iter().map(|row| row.iter().collect()).collect::<Vec<Vec<&Complex>>>(), precision)
}

fn expand(rows: &[Vec<&Complex>], precision: &Precision) -> Result<Complex, NumberError> {
    let Some((first, below)) = rows.split_first() else { return Ok(Complex::whole(1)) };
    let mut sum = Complex::whole(0);
    for (column, cell) in first.iter().enumerate() {
        let without =
            |row: &Vec<&'_ Complex>| row.iter().enumerate().filter(|(at, _)| *at != column).map(|(_, c)| (*c).clone()).collect();
        let minor: Vec<Vec<Complex>> = below.iter().map(without).collect();
        let minor: Vec<Vec<&Complex>> = minor.iter().map(|row| row.iter().collect()).collect();
        let term = cell.mul(&expand(&minor, precision)?, precision)?;
        sum = sum.add(&if column % 2 == 0 { term } else { term.neg() }, precision)?;
    }
    Ok(sum)
}
