//! Function name and values of its arguments -> value.

use dashu_int::UBig;
use dashu_ratio::RBig;

use super::{EvaluationPoint, evaluate::drawn};
use crate::number::{Complex, NumberError, Precision, RealNumber, small};

/// Functions with corners or steps: two of them may agree on one side of a corner and differ on the other.
pub const KINKED: &[&str] = &["abs", "max", "min", "floor", "ceil", "gcd"];

/// Evaluates a function. An unknown function has a value that is derived from its name and arguments, so that equal calls have equal values.
pub fn call(name: &str, args: &[Complex], point: &EvaluationPoint<'_>) -> Result<Complex, NumberError> {
    let precision = point.precision;
    if point.opaque && KINKED.contains(&name) {
        return Ok(unknown(name, args));
    }
    let one = args.first().ok_or(NumberError::Unsure)?;
    let real = || if one.is_real() { Ok(&one.re) } else { Err(NumberError::Unsure) };
    let invert = |value: Complex| Complex::whole(1).div(&value, precision);
    match (name, args.len()) {
        ("%", 1) => one.div(&Complex::whole(100), precision),
        ("‰", 1) => one.div(&Complex::whole(1000), precision),
        ("deg", 1) => Ok(one.clone()),
        ("abs", 1) => one.abs(precision).map(Into::into),
        ("sin", 1) => Ok(one.sin_cos(precision)?.0),
        ("cos", 1) => Ok(one.sin_cos(precision)?.1),
        ("tan" | "cot", 1) => {
            let (sin, cos) = one.sin_cos(precision)?;
            if name == "tan" { sin.div(&cos, precision) } else { cos.div(&sin, precision) }
        }
        ("sec", 1) => invert(one.sin_cos(precision)?.1),
        ("csc", 1) => invert(one.sin_cos(precision)?.0),
        ("arcsin", 1) => real()?.asin(precision).map(Into::into),
        ("arccos", 1) => {
            let half = RealNumber::pi(precision)?.mul(&RealNumber::Exact(RBig::from_parts(1.into(), 2u8.into())), precision)?;
            half.sub(&real()?.asin(precision)?, precision).map(Into::into)
        }
        ("arctan", 1) => real()?.atan(precision).map(Into::into),
        ("sinh" | "cosh" | "tanh", 1) => hyperbolic(name, one, precision),
        ("exp", 1) => one.exp(precision),
        ("ln", 1) => one.ln(precision),
        ("log", 1) if point.log_ten => one.ln(precision)?.div(&Complex::whole(10).ln(precision)?, precision),
        ("log", 1) => one.ln(precision),
        ("log", 2) => one.ln(precision)?.div(&args[1].ln(precision)?, precision),
        ("sqrt", 1) => one.pow(&half(), precision),
        ("sqrt", 2) => one.pow(&invert(args[1].clone())?, precision),
        ("floor", 1) => real()?.floor().map(Into::into),
        ("ceil", 1) => Ok(real()?.neg().floor()?.neg().into()),
        ("!", 1) => factorial(real()?, 1, precision),
        ("!!", 1) => factorial(real()?, 2, precision),
        ("binom", 2) => binomial(one, &args[1], precision),
        ("gcd" | "lcm", _) => common(name, args),
        ("max" | "min", _) => extreme(name, args, precision),
        _ => Ok(unknown(name, args)),
    }
}

fn half() -> Complex {
    RealNumber::Exact(RBig::from_parts(1.into(), 2u8.into())).into()
}

fn unknown(name: &str, args: &[Complex]) -> Complex {
    // `|a - b|` equals `|b - a|`.
    let real = |arg: &Complex| if name == "abs" && arg.is_real() { arg.re.abs() } else { arg.re.clone() };
    let mut keys: Vec<_> = args.iter().map(|arg| (real(arg).key(), arg.im.key())).collect();
    if KINKED.contains(&name) {
        keys.sort();
    }
    RealNumber::Exact(drawn((name, keys))).into()
}

fn hyperbolic(name: &str, one: &Complex, precision: &Precision) -> Result<Complex, NumberError> {
    let (up, down) = (one.exp(precision)?, one.neg().exp(precision)?);
    let (sinh, cosh) = (up.sub(&down, precision)?, up.add(&down, precision)?);
    match name {
        "sinh" => sinh.mul(&half(), precision),
        "cosh" => cosh.mul(&half(), precision),
        _ => sinh.div(&cosh, precision),
    }
}

/// `n!` with step 1, `n!!` with step 2.
fn factorial(of: &RealNumber, step: usize, precision: &Precision) -> Result<Complex, NumberError> {
    let number = of.exact().and_then(small).ok_or(NumberError::Unsure)?;
    if number < 0 {
        return Err(NumberError::Undefined);
    }
    if number > 10_000 {
        return Err(NumberError::TooMuch);
    }
    let mut product = UBig::ONE;
    for factor in (1..=number as u64).rev().step_by(step) {
        precision.take(512)?;
        product *= factor;
    }
    Ok(RealNumber::Exact(RBig::from(product)).into())
}

/// The binomial coefficient `n (n - 1) ... (n - k + 1) / k!` for a whole k.
fn binomial(over: &Complex, under: &Complex, precision: &Precision) -> Result<Complex, NumberError> {
    let mut under = under.re.exact().and_then(small).filter(|_| under.is_real()).ok_or(NumberError::Unsure)?;
    if let Some(over) = over.re.exact().and_then(small).filter(|over| *over >= under) {
        under = under.min(over - under);
    }
    if under < 0 {
        return Ok(Complex::whole(0));
    }
    if under > 5_000 {
        return Err(NumberError::TooMuch);
    }
    (0..under).try_fold(Complex::whole(1), |product, k| {
        let factor = over.sub(&Complex::whole(k), precision)?.div(&Complex::whole(k + 1), precision)?;
        product.mul(&factor, precision)
    })
}

fn common(name: &str, args: &[Complex]) -> Result<Complex, NumberError> {
    let whole = |arg: &Complex| arg.re.exact().and_then(small).filter(|_| arg.is_real()).map(i64::unsigned_abs);
    let all = args.iter().map(whole).collect::<Option<Vec<_>>>().filter(|all| all.len() > 1).ok_or(NumberError::Unsure)?;
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let join = |a: u64, b: u64| match name {
        "gcd" => Some(gcd(a, b)),
        _ if a == 0 || b == 0 => Some(0),
        _ => (a / gcd(a, b)).checked_mul(b),
    };
    let all = all.iter().skip(1).try_fold(all[0], |a, b| join(a, *b)).and_then(|value| i64::try_from(value).ok());
    all.map(Complex::whole).ok_or(NumberError::TooMuch)
}

fn extreme(name: &str, args: &[Complex], precision: &Precision) -> Result<Complex, NumberError> {
    let mut found: Option<&Complex> = None;
    for arg in args {
        if !arg.is_real() {
            return Err(NumberError::Unsure);
        }
        let Some(best) = found else {
            found = Some(arg);
            continue;
        };
        let above = arg.re.compare(&best.re, precision)?;
        let better = if name == "max" { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less };
        match above {
            Some(side) if side == better => found = Some(arg),
            Some(_) => {}
            // The digits do not tell the two apart: the wider ball covers both.
            None if arg.re.error() > best.re.error() => found = Some(arg),
            None => {}
        }
    }
    found.cloned().ok_or(NumberError::Unsure)
}
