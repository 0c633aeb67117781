//! An expression -> its value: an exact fraction where it is one, else a complex number or a matrix at a fixed point of its variables.

mod value;

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
};

use self::value::{add, call, drawn, multiply};
use super::exact::Fraction;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// A number as it is written, and the digits that it repeats for ever.
    Num(String, String),
    /// A variable or a named constant.
    Name(String),
    Sum(Vec<Expr>),
    Product(Vec<Expr>),
    Neg(Box<Expr>),
    Div(Box<Expr>, Box<Expr>),
    Pow(Box<Expr>, Box<Expr>),
    /// A function, known or not; `%` is a hundredth.
    Call(String, Vec<Expr>),
    Matrix(Vec<Vec<Expr>>),
    /// Both the sum and the difference.
    PlusMinus(Box<Expr>, Box<Expr>),
}

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex {
    pub re: f64,
    pub im: f64,
}

/// What an expression is at a point.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar(Complex),
    Matrix(Vec<Vec<Complex>>),
}

/// Evaluations that are left; shared by all of one comparison.
pub(super) struct Steps(pub Cell<u32>);

impl Steps {
    /// Takes one; `None` when none is left.
    pub fn take(&self) -> Option<()> {
        self.0.set(self.0.get().checked_sub(1)?);
        Some(())
    }
}

/// A point: what variables are worth there.
pub(super) struct Point<'a> {
    pub index: u64,
    /// Other names for variables, where only their order of occurrence counts.
    pub renamed: &'a HashMap<String, String>,
    pub steps: &'a Steps,
}

impl Expr {
    /// A number without repeating digits.
    pub fn number(digits: &str) -> Self {
        Expr::Num(digits.to_owned(), String::new())
    }

    /// The exact fraction that an expression without variables and roots is.
    pub fn exact(&self) -> Option<Fraction> {
        let sum = |terms: &[Expr]| terms.iter().try_fold(Fraction::new(0, 1)?, |sum, term| sum.add(term.exact()?));
        match self {
            Expr::Num(digits, repeated) if repeated.is_empty() => Fraction::decimal(digits),
            Expr::Num(digits, repeated) => {
                // 0.1(6) is (16 - 1) / 90.
                let (all, once) = (Fraction::decimal(&format!("{digits}{repeated}"))?, Fraction::decimal(digits)?);
                let nines = Fraction::new(10, 1)?.power(i32::try_from(repeated.len()).ok()?)?;
                let shift = nines.add(Fraction::new(-1, 1)?)?;
                once.add(all.add(once.neg()?)?.mul(nines)?.mul(shift.inverse()?)?)
            }
            Expr::Sum(terms) => sum(terms),
            Expr::Product(factors) => factors.iter().try_fold(Fraction::new(1, 1)?, |product, f| product.mul(f.exact()?)),
            Expr::Neg(inner) => inner.exact()?.neg(),
            Expr::Div(over, under) => over.exact()?.mul(under.exact()?.inverse()?),
            Expr::Pow(base, exponent) => base.exact()?.power(exponent.exact()?.whole()?),
            Expr::Call(name, args) if name == "%" => args.first()?.exact()?.mul(Fraction::new(1, 100)?),
            Expr::Call(name, args) if name == "abs" => {
                let inner = args.first()?.exact()?;
                if args.first()?.constant_real()? < 0.0 { inner.neg() } else { Some(inner) }
            }
            Expr::Call(name, args) if name == "!" => {
                let n = args.first()?.exact()?.whole().filter(|n| (0..=33).contains(n))?;
                (1..=n).try_fold(Fraction::new(1, 1)?, |product, k| product.mul(Fraction::new(k.into(), 1)?))
            }
            _ => None,
        }
    }

    fn constant_real(&self) -> Option<f64> {
        let point = Point { index: 0, renamed: &HashMap::new(), steps: &Steps(Cell::new(1000)) };
        match self.value(&point)? {
            Value::Scalar(value) if value.im == 0.0 => Some(value.re),
            _ => None,
        }
    }

    /// Whether a number with a decimal point stands in it.
    pub fn decimal(&self) -> bool {
        match self {
            Expr::Num(digits, repeated) => repeated.is_empty() && digits.contains('.'),
            Expr::Name(_) => false,
            Expr::Neg(inner) => inner.decimal(),
            Expr::Div(a, b) | Expr::Pow(a, b) | Expr::PlusMinus(a, b) => a.decimal() || b.decimal(),
            Expr::Sum(all) | Expr::Product(all) | Expr::Call(_, all) => all.iter().any(Expr::decimal),
            Expr::Matrix(rows) => rows.iter().flatten().any(Expr::decimal),
        }
    }

    /// The variables in the order in which they first occur.
    pub fn variables(&self, found: &mut Vec<String>) {
        match self {
            Expr::Num(..) => {}
            Expr::Name(name) if ["π", "e", "i", "∞"].contains(&name.as_str()) || found.contains(name) => {}
            Expr::Name(name) => found.push(name.clone()),
            Expr::Neg(inner) => inner.variables(found),
            Expr::Div(a, b) | Expr::Pow(a, b) | Expr::PlusMinus(a, b) => {
                a.variables(found);
                b.variables(found);
            }
            Expr::Sum(all) | Expr::Product(all) | Expr::Call(_, all) => all.iter().for_each(|one| one.variables(found)),
            Expr::Matrix(rows) => rows.iter().flatten().for_each(|one| one.variables(found)),
        }
    }

    /// Whether it can stand for a quantity whose value is told after `=`: a name, a product that begins with one such as `f(2)` or `AB`, a
    /// ratio or a size of such.
    pub fn names_something(&self) -> bool {
        match self {
            Expr::Name(name) => !["π", "e", "∞"].contains(&name.as_str()),
            Expr::Product(factors) => factors.first().is_some_and(Expr::names_something),
            Expr::Div(over, under) => over.names_something() && under.names_something(),
            Expr::Call(name, args) => !args.is_empty() && name == "abs" && args.iter().all(Expr::names_something),
            _ => false,
        }
    }

    /// The expressions that `±` stands for.
    pub fn both_signs(&self) -> Vec<Expr> {
        let mut signs = BTreeSet::new();
        self.count_signs(&mut signs);
        if signs.is_empty() { vec![self.clone()] } else { vec![self.signed(false), self.signed(true)] }
    }

    fn count_signs(&self, found: &mut BTreeSet<bool>) {
        match self {
            Expr::PlusMinus(..) => drop(found.insert(true)),
            Expr::Num(..) | Expr::Name(_) => {}
            Expr::Neg(inner) => inner.count_signs(found),
            Expr::Div(a, b) | Expr::Pow(a, b) => {
                a.count_signs(found);
                b.count_signs(found);
            }
            Expr::Sum(all) | Expr::Product(all) | Expr::Call(_, all) => all.iter().for_each(|one| one.count_signs(found)),
            Expr::Matrix(rows) => rows.iter().flatten().for_each(|one| one.count_signs(found)),
        }
    }

    fn signed(&self, minus: bool) -> Expr {
        let one = |inner: &Expr| Box::new(inner.signed(minus));
        let all = |inner: &[Expr]| inner.iter().map(|one| one.signed(minus)).collect();
        match self {
            Expr::PlusMinus(a, b) => Expr::Sum(vec![*one(a), if minus { Expr::Neg(one(b)) } else { *one(b) }]),
            Expr::Num(..) | Expr::Name(_) => self.clone(),
            Expr::Neg(inner) => Expr::Neg(one(inner)),
            Expr::Div(a, b) => Expr::Div(one(a), one(b)),
            Expr::Pow(a, b) => Expr::Pow(one(a), one(b)),
            Expr::Sum(inner) => Expr::Sum(all(inner)),
            Expr::Product(inner) => Expr::Product(all(inner)),
            Expr::Call(name, inner) => Expr::Call(name.clone(), all(inner)),
            Expr::Matrix(rows) => Expr::Matrix(rows.iter().map(|row| all(row)).collect()),
        }
    }

    /// The value at a point; `None` where it has none or steps have run out.
    pub fn value(&self, point: &Point<'_>) -> Option<Value> {
        point.steps.take()?;
        let scalar = |value: Complex| Some(Value::Scalar(value));
        match self {
            Expr::Num(digits, repeated) if repeated.is_empty() => scalar(Complex::real(digits.parse().ok()?)),
            Expr::Num(digits, repeated) => scalar(Complex::real(format!("{digits}{}", repeated.repeat(20)).parse().ok()?)),
            Expr::Name(name) => scalar(match name.as_str() {
                "π" => Complex::real(std::f64::consts::PI),
                "e" => Complex::real(std::f64::consts::E),
                "∞" => Complex::real(f64::INFINITY),
                "i" => Complex { re: 0.0, im: 1.0 },
                _ => Complex::real(drawn((point.renamed.get(name).unwrap_or(name), point.index))),
            }),
            Expr::Sum(terms) => {
                let mut terms = terms.iter();
                let first = terms.next()?.value(point)?;
                terms.try_fold(first, |sum, term| add(sum, term.value(point)?))
            }
            Expr::Product(factors) => {
                let mut factors = factors.iter();
                let first = factors.next()?.value(point)?;
                factors.try_fold(first, |product, factor| multiply(product, factor.value(point)?))
            }
            Expr::Neg(inner) => multiply(Value::Scalar(Complex::real(-1.0)), inner.value(point)?),
            Expr::Div(over, under) => match (over.value(point)?, under.value(point)?) {
                (_, Value::Scalar(under)) if under == Complex::ZERO => None,
                (Value::Scalar(over), Value::Scalar(under)) => scalar(over.div(under)),
                (over, Value::Scalar(under)) => multiply(over, Value::Scalar(Complex::ONE.div(under))),
                _ => None,
            },
            Expr::Pow(base, exponent) => match (base.value(point)?, exponent.value(point)?) {
                (Value::Scalar(base), Value::Scalar(exponent)) => scalar(base.pow(exponent)),
                _ => None,
            },
            Expr::Call(name, args) => {
                let values = args.iter().map(|arg| match arg.value(point)? {
                    Value::Scalar(value) => Some(value),
                    Value::Matrix(_) => None,
                });
                scalar(call(name, &values.collect::<Option<Vec<_>>>()?, point.index)?)
            }
            Expr::Matrix(rows) => {
                let cell = |cell: &Expr| match cell.value(point)? {
                    Value::Scalar(value) => Some(value),
                    Value::Matrix(_) => None,
                };
                rows.iter().map(|row| row.iter().map(cell).collect()).collect::<Option<Vec<Vec<_>>>>().map(Value::Matrix)
            }
            Expr::PlusMinus(..) => None,
        }
    }
}
