//! Complex numbers and matrices -> their sums, products and functions.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Complex, Value};

impl Complex {
    pub const ONE: Complex = Complex { re: 1.0, im: 0.0 };
    pub const ZERO: Complex = Complex { re: 0.0, im: 0.0 };

    pub fn real(re: f64) -> Self {
        Complex { re, im: 0.0 }
    }

    pub fn add(self, other: Self) -> Self {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }

    pub fn neg(self) -> Self {
        Complex { re: -self.re, im: -self.im }
    }

    pub fn mul(self, other: Self) -> Self {
        if self.im == 0.0 && other.im == 0.0 {
            return Complex::real(self.re * other.re);
        }
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    pub fn div(self, other: Self) -> Self {
        if other.im == 0.0 {
            return Complex { re: self.re / other.re, im: if self.im == 0.0 { 0.0 } else { self.im / other.re } };
        }
        let size = other.re * other.re + other.im * other.im;
        let top = self.mul(Complex { re: other.re, im: -other.im });
        Complex { re: top.re / size, im: top.im / size }
    }

    pub fn size(self) -> f64 {
        self.re.hypot(self.im)
    }

    fn exp(self) -> Self {
        let size = self.re.exp();
        if self.im == 0.0 { Complex::real(size) } else { Complex { re: size * self.im.cos(), im: size * self.im.sin() } }
    }

    fn ln(self) -> Self {
        if self.im == 0.0 && self.re > 0.0 {
            return Complex::real(self.re.ln());
        }
        Complex { re: self.size().ln(), im: self.im.atan2(self.re) }
    }

    pub(super) fn pow(self, exponent: Self) -> Self {
        if self.im == 0.0 && exponent.im == 0.0 && (self.re >= 0.0 || exponent.re.fract() == 0.0) {
            return Complex::real(self.re.powf(exponent.re));
        }
        if exponent.im == 0.0 && exponent.re.fract() == 0.0 && exponent.re.abs() <= 64.0 {
            let power = (0..exponent.re.abs() as u32).fold(Complex::ONE, |product, _| product.mul(self));
            return if exponent.re < 0.0 { Complex::ONE.div(power) } else { power };
        }
        if self == Complex::ZERO {
            return Complex::ZERO;
        }
        exponent.mul(self.ln()).exp()
    }

    fn sin(self) -> Self {
        Complex { re: self.re.sin() * self.im.cosh(), im: self.re.cos() * self.im.sinh() }
    }

    fn cos(self) -> Self {
        Complex { re: self.re.cos() * self.im.cosh(), im: -self.re.sin() * self.im.sinh() }
    }
}

/// A number above 0.3 and below 2.3 that depends on nothing but what is hashed.
pub(super) fn drawn(what: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    0.3 + 2.0 * ((hasher.finish() >> 11) as f64 / (1u64 << 53) as f64)
}

pub(super) fn add(a: Value, b: Value) -> Option<Value> {
    match (a, b) {
        (Value::Scalar(a), Value::Scalar(b)) => Some(Value::Scalar(a.add(b))),
        (Value::Matrix(a), Value::Matrix(b)) if a.len() == b.len() => {
            let row = |(a, b): (&Vec<Complex>, &Vec<Complex>)| {
                (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| a.add(*b)).collect::<Vec<_>>())
            };
            a.iter().zip(&b).map(row).collect::<Option<Vec<_>>>().map(Value::Matrix)
        }
        _ => None,
    }
}

pub(super) fn multiply(a: Value, b: Value) -> Option<Value> {
    match (a, b) {
        (Value::Scalar(a), Value::Scalar(b)) => Some(Value::Scalar(a.mul(b))),
        (Value::Scalar(one), Value::Matrix(rows)) | (Value::Matrix(rows), Value::Scalar(one)) => {
            Some(Value::Matrix(rows.iter().map(|row| row.iter().map(|cell| cell.mul(one)).collect()).collect()))
        }
        (Value::Matrix(a), Value::Matrix(b)) => {
            let columns = b.first()?.len();
            let cell = |row: &Vec<Complex>, column: usize| {
                let pairs = row.iter().zip(&b).map(|(a, b)| Some(a.mul(*b.get(column)?)));
                pairs.collect::<Option<Vec<_>>>().map(|all| all.into_iter().fold(Complex::ZERO, Complex::add))
            };
            let fits = a.iter().all(|row| row.len() == b.len());
            let rows = a.iter().map(|row| (0..columns).map(|column| cell(row, column)).collect::<Option<Vec<_>>>());
            fits.then(|| rows.collect::<Option<Vec<_>>>()).flatten().map(Value::Matrix)
        }
    }
}

/// A function's value. What is not known is worth a number drawn by its name and its arguments, so that equal calls are equal.
pub(super) fn call(name: &str, args: &[Complex], point: u64) -> Option<Complex> {
    let one = *args.first()?;
    let real = |of: fn(f64) -> f64| (one.im == 0.0).then(|| Complex::real(of(one.re)));
    let over = |value: Complex| (value.size() > 1e-12).then(|| Complex::ONE.div(value));
    Some(match (name, args.len()) {
        ("%", 1) => one.mul(Complex::real(0.01)),
        ("abs", 1) => Complex::real(one.size()),
        ("sin", 1) => one.sin(),
        ("cos", 1) => one.cos(),
        ("tan", 1) => one.sin().mul(over(one.cos())?),
        ("cot", 1) => one.cos().mul(over(one.sin())?),
        ("sec", 1) => over(one.cos())?,
        ("csc", 1) => over(one.sin())?,
        ("arcsin", 1) => real(f64::asin)?,
        ("arccos", 1) => real(f64::acos)?,
        ("arctan", 1) => real(f64::atan)?,
        ("sinh", 1) => real(f64::sinh)?,
        ("cosh", 1) => real(f64::cosh)?,
        ("tanh", 1) => real(f64::tanh)?,
        ("exp", 1) => one.exp(),
        ("ln" | "log", 1) => one.ln(),
        ("log", 2) => one.ln().div(args[1].ln()),
        ("sqrt", 1) => one.pow(Complex::real(0.5)),
        ("sqrt", 2) if one.im == 0.0 && one.re < 0.0 && args[1].im == 0.0 && args[1].re % 2.0 == 1.0 => {
            Complex::real(-(-one.re).powf(1.0 / args[1].re))
        }
        ("sqrt", 2) => one.pow(Complex::ONE.div(args[1])),
        ("floor", 1) => real(f64::floor)?,
        ("ceil", 1) => real(f64::ceil)?,
        ("!", 1) if one.im == 0.0 && one.re.fract() == 0.0 && (0.0..=170.0).contains(&one.re) => {
            Complex::real((1..=one.re as u32).map(f64::from).product())
        }
        ("binom", 2) if args.iter().all(|a| a.im == 0.0 && a.re.fract() == 0.0 && (0.0..=1000.0).contains(&a.re)) => {
            let (n, k) = (one.re, args[1].re);
            Complex::real((0..k as u32).map(|j| (n - f64::from(j)) / (k - f64::from(j))).product::<f64>().round())
        }
        ("max", _) if args.iter().all(|a| a.im == 0.0) => Complex::real(args.iter().fold(f64::NEG_INFINITY, |m, a| m.max(a.re))),
        ("min", _) if args.iter().all(|a| a.im == 0.0) => Complex::real(args.iter().fold(f64::INFINITY, |m, a| m.min(a.re))),
        _ => {
            let rounded = |part: f64| format!("{part:.9e}");
            let args: Vec<_> = args.iter().map(|a| (rounded(a.re), rounded(a.im))).collect();
            Complex::real(drawn((name, args, point)))
        }
    })
}
