//! An expression -> its value at a point, exact where it can be.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use dashu_ratio::RBig;

use super::{Expr, functions::call, series};
use crate::number::{Complex, Fail, Precision, Real};

/// A point: what variables are worth there, and how exactly it is calculated.
pub struct Point<'a> {
    /// The values of variables.
    pub values: &'a HashMap<String, RBig>,
    /// Digits and steps.
    pub precision: &'a Precision,
    /// The base of `\log` without one: Euler's number, or ten.
    pub log_ten: bool,
    /// Whether sizes, steps and choices count as functions of which nothing is known but that equal arguments give equal values.
    pub opaque: bool,
}

/// What an expression is worth at a point.
#[derive(Clone, Debug)]
pub enum Value {
    /// A number.
    Number(Complex),
    /// A matrix by rows.
    Matrix(Vec<Vec<Complex>>),
}

/// A fraction between 1/4 and 9/4 that depends on nothing but what is hashed.
pub fn drawn(what: impl Hash) -> RBig {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    let unit = 1i64 << 32;
    RBig::from_parts((unit + (hasher.finish() >> 29) as i64).into(), ((unit as u64) << 2).into())
}

impl Expr {
    /// The value at a point.
    pub fn value(&self, point: &Point<'_>) -> Result<Value, Fail> {
        let precision = point.precision;
        precision.take(64)?;
        match self {
            Expr::Sum(terms) => fold(terms, point, |a, b| add(a, b, precision)),
            Expr::Product(factors) => fold(factors, point, |a, b| multiply(a, b, precision)),
            Expr::Neg(inner) => match inner.value(point)? {
                Value::Number(value) => Ok(Value::Number(value.neg())),
                Value::Matrix(rows) => {
                    Ok(Value::Matrix(rows.into_iter().map(|row| row.iter().map(Complex::neg).collect()).collect()))
                }
            },
            Expr::Div(over, under) => match (over.value(point)?, under.value(point)?) {
                (Value::Number(over), Value::Number(under)) => over.div(&under, precision).map(Value::Number),
                (over, Value::Number(under)) => {
                    multiply(over, Value::Number(Complex::whole(1).div(&under, precision)?), precision)
                }
                _ => Err(Fail::Unsure),
            },
            Expr::Pow(base, exponent) => match (base.value(point)?, exponent.value(point)?) {
                (Value::Number(base), Value::Number(exponent)) => base.pow(&exponent, precision).map(Value::Number),
                (matrix @ Value::Matrix(_), Value::Number(exponent)) => matrix_power(matrix, &exponent, precision),
                _ => Err(Fail::Unsure),
            },
            Expr::Matrix(rows) => {
                let row = |row: &Vec<Expr>| row.iter().map(|cell| cell.number(point)).collect();
                rows.iter().map(row).collect::<Result<_, _>>().map(Value::Matrix)
            }
            Expr::Call(name, args) if name == "det" => match args.as_slice() {
                [matrix] => determinant(matrix.value(point)?, precision).map(Value::Number),
                _ => Err(Fail::Unsure),
            },
            _ => self.number(point).map(Value::Number),
        }
    }

    /// The value of what is a number.
    pub fn number(&self, point: &Point<'_>) -> Result<Complex, Fail> {
        let precision = point.precision;
        match self {
            Expr::Num(number) => Ok(Real::Exact(number.value.clone()).into()),
            Expr::Based(_, _, value) => Ok(Real::Exact(value.clone()).into()),
            // A sum may run over i.
            Expr::Name(name) if point.values.contains_key(name) => {
                point.values.get(name).map(|value| Real::Exact(value.clone()).into()).ok_or(Fail::Unsure)
            }
            Expr::Name(name) => match name.as_str() {
                "π" => Real::pi(precision).map(Into::into),
                "e" => Real::e(precision).map(Into::into),
                "i" => Ok(Complex { re: Real::ZERO, im: Real::ONE }),
                "∞" => Err(Fail::Undefined),
                _ => Err(Fail::Unsure),
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
            Expr::PlusMinus(..) => Err(Fail::Unsure),
            other => match other.value(point)? {
                Value::Number(value) => Ok(value),
                Value::Matrix(_) => Err(Fail::Unsure),
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

fn radians(degrees: Complex, precision: &Precision) -> Result<Complex, Fail> {
    let pi = Real::pi(precision)?;
    degrees.mul(&pi.mul(&Real::Exact(RBig::from_parts(1.into(), 180u8.into())), precision)?.into(), precision)
}

fn fold(all: &[Expr], point: &Point<'_>, join: impl Fn(Value, Value) -> Result<Value, Fail>) -> Result<Value, Fail> {
    let (first, rest) = all.split_first().ok_or(Fail::Unsure)?;
    rest.iter().try_fold(first.value(point)?, |sum, next| join(sum, next.value(point)?))
}

fn add(a: Value, b: Value, precision: &Precision) -> Result<Value, Fail> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.add(&b, precision).map(Value::Number),
        (Value::Matrix(a), Value::Matrix(b)) if shape(&a) == shape(&b) => {
            let row = |(a, b): (&Vec<Complex>, &Vec<Complex>)| a.iter().zip(b).map(|(a, b)| a.add(b, precision)).collect();
            a.iter().zip(&b).map(row).collect::<Result<_, _>>().map(Value::Matrix)
        }
        _ => Err(Fail::Undefined),
    }
}

fn shape(rows: &[Vec<Complex>]) -> (usize, usize) {
    (rows.len(), rows.first().map_or(0, Vec::len))
}

fn multiply(a: Value, b: Value, precision: &Precision) -> Result<Value, Fail> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.mul(&b, precision).map(Value::Number),
        (Value::Number(one), Value::Matrix(rows)) | (Value::Matrix(rows), Value::Number(one)) => {
            let row = |row: Vec<Complex>| row.iter().map(|cell| cell.mul(&one, precision)).collect();
            rows.into_iter().map(row).collect::<Result<_, _>>().map(Value::Matrix)
        }
        (Value::Matrix(a), Value::Matrix(b)) => {
            let ((_, inner), (rows, columns)) = (shape(&a), shape(&b));
            if inner != rows {
                return Err(Fail::Undefined);
            }
            let cell = |row: &Vec<Complex>, column: usize| {
                row.iter().zip(&b).try_fold(Complex::whole(0), |sum, (a, b)| sum.add(&a.mul(&b[column], precision)?, precision))
            };
            let row = |row: &Vec<Complex>| (0..columns).map(|column| cell(row, column)).collect();
            a.iter().map(row).collect::<Result<_, _>>().map(Value::Matrix)
        }
    }
}

fn matrix_power(matrix: Value, exponent: &Complex, precision: &Precision) -> Result<Value, Fail> {
    let times = exponent.re.exact().and_then(crate::number::small).filter(|times| (1..=64).contains(times) && exponent.is_real());
    let times = times.ok_or(Fail::Unsure)?;
    (1..times).try_fold(matrix.clone(), |power, _| multiply(power, matrix.clone(), precision))
}

fn determinant(value: Value, precision: &Precision) -> Result<Complex, Fail> {
    let Value::Matrix(rows) = value else { return Err(Fail::Unsure) };
    let (height, width) = shape(&rows);
    if height != width || height == 0 {
        return Err(Fail::Undefined);
    }
    if height > 6 {
        return Err(Fail::TooMuch);
    }
    expand(&rows.iter().map(|row| row.iter().collect()).collect::<Vec<Vec<&Complex>>>(), precision)
}

fn expand(rows: &[Vec<&Complex>], precision: &Precision) -> Result<Complex, Fail> {
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
