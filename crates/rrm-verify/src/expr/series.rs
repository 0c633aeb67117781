//! Finite sums and products, integrals of polynomials, and sums with dots -> their values at a point.

use std::collections::HashMap;

use dashu_ratio::RBig;

use super::{EvaluationPoint, Expr};
use crate::number::{Complex, NumberError, RealNumber, small};

/// Most terms of a sum or a product that are evaluated.
const TERMS: i64 = 2_000;

fn whole(expr: &Expr, point: &EvaluationPoint<'_>) -> Result<i64, NumberError> {
    let value = expr.number(point)?;
    value.re.exact().and_then(small).filter(|_| value.is_real()).ok_or(NumberError::Unsure)
}

/// Evaluates a sum or a product over a range of whole numbers. Fails with [`NumberError::TooMuch`] if the range is too long.
pub fn series(
    kind: &str,
    name: &str,
    (from, to): (&Expr, &Expr),
    body: &Expr,
    point: &EvaluationPoint<'_>,
) -> Result<Complex, NumberError> {
    let (from, to) = (whole(from, point)?, whole(to, point)?);
    if to.saturating_sub(from) >= TERMS {
        return Err(NumberError::TooMuch);
    }
    let mut values: HashMap<String, RBig> = point.values.clone();
    let mut total = Complex::whole(if kind == "sum" { 0 } else { 1 });
    for index in from..=to {
        values.insert(name.to_owned(), RBig::from(index));
        let term = body.number(&EvaluationPoint { values: &values, ..*point })?;
        total = if kind == "sum" { total.add(&term, point.precision)? } else { total.mul(&term, point.precision)? };
    }
    Ok(total)
}

/// Returns the coefficients of a polynomial in `name`, the constant first. Fails with [`NumberError::Unsure`] if the expression is not a polynomial.
fn polynomial(expr: &Expr, name: &str, point: &EvaluationPoint<'_>) -> Result<Vec<Complex>, NumberError> {
    const HIGHEST: usize = 64;
    let precision = point.precision;
    if !expr.any(&mut |inner| inner.name() == Some(name)) {
        return Ok(vec![expr.number(point)?]);
    }
    match expr {
        Expr::Name(_) => Ok(vec![Complex::whole(0), Complex::whole(1)]),
        Expr::Neg(inner) => Ok(polynomial(inner, name, point)?.iter().map(Complex::neg).collect()),
        Expr::Sum(terms) => terms.iter().try_fold(vec![], |mut sum: Vec<Complex>, term| {
            for (power, one) in polynomial(term, name, point)?.into_iter().enumerate() {
                match sum.get_mut(power) {
                    Some(place) => *place = place.add(&one, precision)?,
                    None => sum.push(one),
                }
            }
            Ok(sum)
        }),
        Expr::Product(factors) => factors
            .iter()
            .try_fold(vec![Complex::whole(1)], |product, factor| times(&product, &polynomial(factor, name, point)?, point)),
        Expr::Div(over, under) if !under.any(&mut |inner| inner.name() == Some(name)) => {
            let under = under.number(point)?;
            polynomial(over, name, point)?.iter().map(|one| one.div(&under, precision)).collect()
        }
        Expr::Pow(base, exponent) => {
            let exponent = usize::try_from(whole(exponent, point)?).map_err(|_| NumberError::Unsure)?;
            let base = polynomial(base, name, point)?;
            if exponent.saturating_mul(base.len()) > HIGHEST {
                return Err(NumberError::TooMuch);
            }
            (0..exponent).try_fold(vec![Complex::whole(1)], |power, _| times(&power, &base, point))
        }
        _ => Err(NumberError::Unsure),
    }
}

fn times(a: &[Complex], b: &[Complex], point: &EvaluationPoint<'_>) -> Result<Vec<Complex>, NumberError> {
    let mut product = vec![Complex::whole(0); a.len() + b.len() - 1];
    for (i, a) in a.iter().enumerate() {
        for (j, b) in b.iter().enumerate() {
            product[i + j] = product[i + j].add(&a.mul(b, point.precision)?, point.precision)?;
        }
    }
    Ok(product)
}

/// Evaluates the definite integral of a polynomial.
pub fn integral(
    name: &str,
    (from, to): (&Expr, &Expr),
    body: &Expr,
    point: &EvaluationPoint<'_>,
) -> Result<Complex, NumberError> {
    let precision = point.precision;
    let coefficients = polynomial(body, name, point)?;
    let at = |end: &Expr| -> Result<Complex, NumberError> {
        let end = end.number(point)?;
        let mut power = end.clone();
        let mut sum = Complex::whole(0);
        for (degree, one) in coefficients.iter().enumerate() {
            let part = one.mul(&power, precision)?.div(&Complex::whole(degree as i64 + 1), precision)?;
            sum = sum.add(&part, precision)?;
            power = power.mul(&end, precision)?;
        }
        Ok(sum)
    };
    at(to)?.sub(&at(from)?, precision)
}

/// Evaluates `a + b + ... + z` with a constant step. Two terms before the dots are enough if no term is a power or a function; otherwise three or
/// more must have the same step.
pub fn progression(terms: &[Expr], last: &Expr, point: &EvaluationPoint<'_>) -> Result<Complex, NumberError> {
    let precision = point.precision;
    let exact = |expr: &Expr| {
        let value = expr.number(point)?;
        value.re.exact().cloned().filter(|_| value.is_real()).ok_or(NumberError::Unsure)
    };
    let all = terms.iter().map(exact).collect::<Result<Vec<RBig>, NumberError>>()?;
    let end = exact(last)?;
    let [first, second, rest @ ..] = all.as_slice() else { return Err(NumberError::Unsure) };
    let power = |expr: &Expr| expr.any(&mut |inner| matches!(inner, Expr::Pow(..) | Expr::Call(..)));
    if rest.is_empty() && (power(last) || terms.iter().any(power)) {
        return Err(NumberError::Unsure);
    }
    let step = second - first;
    let even = std::iter::once(second).chain(rest).zip(rest).all(|(a, b)| b - a == step);
    if !even || step.is_zero() {
        return Err(NumberError::Unsure);
    }
    let count = (&end - first) / &step + RBig::ONE;
    if !count.is_int() || count < RBig::from(all.len()) {
        return Err(NumberError::Unsure);
    }
    let sum = (first + &end) * count / RBig::from(2);
    RealNumber::Exact(sum).add(&RealNumber::ZERO, precision).map(Into::into)
}
