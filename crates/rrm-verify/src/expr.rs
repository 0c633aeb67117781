//! Expressions, and their properties that need no calculation: names, variables, decimals, signs.

mod evaluate;
mod functions;
mod series;

use dashu_ratio::RBig;

pub use self::{
    evaluate::{EvaluationPoint, ExprValue},
    functions::KINKED,
};

/// A number literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// The exact value.
    pub value: RBig,
    /// The number of digits behind the decimal point; `None` if there is no point or if the decimal repeats.
    pub places: Option<u32>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Num(Literal),
    /// A number in another base: its digits, the base, and its value.
    Based(String, u32, RBig),
    /// A variable or a named constant.
    Name(String),
    /// A sum.
    Sum(Vec<Expr>),
    /// A product.
    Product(Vec<Expr>),
    /// A negative.
    Neg(Box<Expr>),
    /// A quotient.
    Div(Box<Expr>, Box<Expr>),
    /// A power.
    Pow(Box<Expr>, Box<Expr>),
    /// A function call: name and arguments. The name `%` divides by 100, `‰` by 1000, and `deg` converts degrees.
    Call(String, Vec<Expr>),
    /// A matrix, as rows.
    Matrix(Vec<Vec<Expr>>),
    /// `a ± b`, or `a ∓ b` where the flag is true: two expressions in one.
    PlusMinus(Box<Expr>, Box<Expr>, bool),
    /// A sum or a product over a range: `sum` or `product`, the variable, its first and last value, the body.
    Series(&'static str, String, Box<Expr>, Box<Expr>, Box<Expr>),
    /// A definite integral: the variable, the lower and upper limits, the integrand.
    Integral(String, Box<Expr>, Box<Expr>, Box<Expr>),
    /// `1 + 2 + ... + n`: the terms before the dots and the term behind them.
    Progression(Vec<Expr>, Box<Expr>),
}

/// Names of constants.
pub const CONSTANTS: &[&str] = &["π", "e", "i", "∞"];

impl Expr {
    /// Makes a number literal of a whole number.
    pub fn whole(value: i64) -> Self {
        Expr::Num(Literal { value: RBig::from(value), places: None })
    }

    /// Returns the direct subexpressions.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Num(_) | Expr::Based(..) | Expr::Name(_) => vec![],
            Expr::Neg(inner) => vec![inner],
            Expr::Div(a, b) | Expr::Pow(a, b) | Expr::PlusMinus(a, b, _) => vec![a, b],
            Expr::Sum(all) | Expr::Product(all) | Expr::Call(_, all) => all.iter().collect(),
            Expr::Matrix(rows) => rows.iter().flatten().collect(),
            Expr::Series(_, _, from, to, body) | Expr::Integral(_, from, to, body) => vec![from, to, body],
            Expr::Progression(terms, last) => terms.iter().chain([&**last]).collect(),
        }
    }

    /// Returns a text that is the same for all orders of terms and factors. Matrices do not commute, so a product that may contain a matrix keeps the
    /// order of its factors.
    pub fn shape(&self) -> String {
        fn flat<'a>(all: &'a [Expr], product: bool, found: &mut Vec<&'a Expr>) {
            for one in all {
                match one {
                    Expr::Sum(inner) if !product => flat(inner, product, found),
                    Expr::Product(inner) if product => flat(inner, product, found),
                    other => found.push(other),
                }
            }
        }
        let joined = |name: &str, parts: &[&Expr], sorted: bool| {
            let mut parts: Vec<String> = parts.iter().map(|part| part.shape()).collect();
            if sorted {
                parts.sort();
            }
            format!("{name}({})", parts.join(" "))
        };
        match self {
            Expr::Num(number) => format!("{}", number.value),
            Expr::Name(name) => format!("'{name}'"),
            Expr::Sum(all) | Expr::Product(all) => {
                let product = matches!(self, Expr::Product(_));
                let mut parts = Vec::new();
                flat(all, product, &mut parts);
                let commutes = !product || !self.any(&mut |inner| matches!(inner, Expr::Matrix(_)));
                joined(if product { "*" } else { "+" }, &parts, commutes)
            }
            Expr::Call(name, args) => {
                let sorted = matches!(name.as_str(), "max" | "min" | "gcd" | "lcm");
                joined(name, &args.iter().collect::<Vec<_>>(), sorted)
            }
            Expr::Neg(inner) => joined("-", &[inner], false),
            Expr::Div(over, under) => joined("/", &[over, under], false),
            Expr::Pow(base, exponent) => joined("^", &[base, exponent], false),
            other => format!("{other:?}"),
        }
    }

    /// Whether the predicate holds for the expression or for any expression below it.
    pub fn any(&self, holds: &mut dyn FnMut(&Expr) -> bool) -> bool {
        holds(self) || self.children().into_iter().any(|child| child.any(holds))
    }

    /// Returns the same expression with each direct subexpression replaced.
    fn with(&self, change: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
        let mut one = |inner: &Expr| Box::new(change(inner));
        match self {
            Expr::Num(_) | Expr::Based(..) | Expr::Name(_) => self.clone(),
            Expr::Neg(inner) => Expr::Neg(one(inner)),
            Expr::Div(a, b) => Expr::Div(one(a), one(b)),
            Expr::Pow(a, b) => Expr::Pow(one(a), one(b)),
            Expr::PlusMinus(a, b, turned) => Expr::PlusMinus(one(a), one(b), *turned),
            Expr::Sum(all) => Expr::Sum(all.iter().map(change).collect()),
            Expr::Product(all) => Expr::Product(all.iter().map(change).collect()),
            Expr::Call(name, all) => Expr::Call(name.clone(), all.iter().map(change).collect()),
            Expr::Matrix(rows) => Expr::Matrix(rows.iter().map(|row| row.iter().map(&mut *change).collect()).collect()),
            Expr::Series(kind, name, from, to, body) => Expr::Series(kind, name.clone(), one(from), one(to), one(body)),
            Expr::Integral(name, from, to, body) => Expr::Integral(name.clone(), one(from), one(to), one(body)),
            Expr::Progression(terms, last) => {
                let last = one(last);
                Expr::Progression(terms.iter().map(change).collect(), last)
            }
        }
    }

    /// Returns the expression with every occurrence of a name replaced by another expression.
    pub fn replaced(&self, name: &str, by: &Expr) -> Expr {
        match self {
            Expr::Name(own) if own == name => by.clone(),
            other => other.with(&mut |inner| inner.replaced(name, by)),
        }
    }

    /// Returns the expression without degree signs. Arguments of functions keep theirs.
    pub fn without_degrees(&self) -> Expr {
        match self {
            Expr::Call(name, args) if name == "deg" && args.len() == 1 => args[0].without_degrees(),
            Expr::Sum(_) | Expr::Product(_) | Expr::Neg(_) | Expr::PlusMinus(..) => {
                self.with(&mut |inner| inner.without_degrees())
            }
            Expr::Div(over, under) => Expr::Div(Box::new(over.without_degrees()), under.clone()),
            other => other.clone(),
        }
    }

    /// Returns the free variables in the order of their first occurrence; the variable of a sum or an integral is not free.
    pub fn variables(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut found);
        found
    }

    fn collect(&self, bound: &mut Vec<String>, found: &mut Vec<String>) {
        match self {
            Expr::Name(name) => {
                if !CONSTANTS.contains(&name.as_str()) && !bound.contains(name) && !found.contains(name) {
                    found.push(name.clone());
                }
            }
            Expr::Series(_, name, from, to, body) | Expr::Integral(name, from, to, body) => {
                from.collect(bound, found);
                to.collect(bound, found);
                bound.push(name.clone());
                body.collect(bound, found);
                bound.pop();
            }
            other => other.children().into_iter().for_each(|child| child.collect(bound, found)),
        }
    }

    /// Whether the expression has no free variables.
    pub fn is_constant(&self) -> bool {
        self.variables().is_empty()
    }

    /// Returns the decimal places of a number literal with a decimal point, with or without a minus sign; `None` for everything else.
    pub fn places(&self) -> Option<u32> {
        match self {
            Expr::Num(number) => number.places,
            Expr::Neg(inner) => inner.places(),
            _ => None,
        }
    }

    /// Whether the expression contains a number literal with a decimal point.
    pub fn has_decimals(&self) -> bool {
        self.any(&mut |inner| matches!(inner, Expr::Num(number) if number.places.is_some()))
    }

    /// Returns the sign of an infinite expression, true for positive; `None` if it is not an infinity.
    pub fn infinity(&self) -> Option<bool> {
        match self {
            Expr::Name(name) if name == "∞" => Some(true),
            Expr::Neg(inner) => inner.infinity().map(|positive| !positive),
            _ => None,
        }
    }

    /// Returns the name, if the expression is nothing but a name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Expr::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the expression can be the left side of `name = value`: a name, a function such as `f(2)`, or a quotient or a length of such.
    pub fn names_something(&self) -> bool {
        match self {
            Expr::Name(name) => !["π", "e", "∞"].contains(&name.as_str()),
            Expr::Div(over, under) => over.names_something() && under.names_something(),
            Expr::Call(name, args) if !args.is_empty() => {
                // `|AB| = 1` names a length, `|x| = 3` is an equation.
                let label = |arg: &Expr| arg.name().is_some_and(|name| name.starts_with(|c: char| c.is_uppercase()));
                name.starts_with("of ") || !self.is_constant() && (name != "abs" || args.iter().all(label))
            }
            // `AB^2`, the square of a label such as a side of a figure.
            Expr::Pow(base, exponent) => {
                exponent.is_constant()
                    && base.name().is_some_and(|name| name.len() > 1 && name.bytes().all(|b| b.is_ascii_uppercase()))
            }
            _ => false,
        }
    }

    /// Returns the two expressions that `±` stands for, or the expression alone if it has no `±`. With several `±` it returns four copies of the
    /// expression.
    pub fn both_signs(&self) -> Vec<Expr> {
        let mut signs = 0;
        self.any(&mut |inner| {
            signs += usize::from(matches!(inner, Expr::PlusMinus(..)));
            false
        });
        if signs > 1 {
            // Several `±` may mean two values or four, so none is chosen.
            vec![self.clone(); 4]
        } else if signs == 1 {
            vec![self.signed(false), self.signed(true)]
        } else {
            vec![self.clone()]
        }
    }

    fn signed(&self, minus: bool) -> Expr {
        match self {
            Expr::PlusMinus(a, b, turned) => {
                let (a, b) = (a.signed(minus), b.signed(minus));
                Expr::Sum(vec![a, if minus != *turned { Expr::Neg(Box::new(b)) } else { b }])
            }
            other => other.with(&mut |inner| inner.signed(minus)),
        }
    }
}
