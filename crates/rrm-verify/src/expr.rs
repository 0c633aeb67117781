//! An expression, and what can be asked of it without calculating: its names, its signs, whether it has decimals.

mod evaluate;
mod functions;
mod series;

use dashu_ratio::RBig;

pub use self::{
    evaluate::{EvaluationPoint, ExprValue},
    functions::KINKED,
};

/// A number as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Its exact value.
    pub value: RBig,
    /// The digits behind its decimal point, where it has one and they end.
    pub places: Option<u32>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Num(Literal),
    /// Digits with a base below them, and the value that they have.
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
    /// A function; `%` is a hundredth, `‰` a thousandth, `deg` a degree.
    Call(String, Vec<Expr>),
    /// A matrix by rows.
    Matrix(Vec<Vec<Expr>>),
    /// Two expressions in one: the first with the second added (or taken away, where the truth value says so), and the other way round.
    PlusMinus(Box<Expr>, Box<Expr>, bool),
    /// A sum or product: its function, its variable, from, to, and what is summed.
    Series(&'static str, String, Box<Expr>, Box<Expr>, Box<Expr>),
    /// A definite integral: variable, from, to, integrand.
    Integral(String, Box<Expr>, Box<Expr>, Box<Expr>),
    /// `1 + 2 + ... + n`: the terms before the dots and the one behind them.
    Progression(Vec<Expr>, Box<Expr>),
}

/// Names that are constants.
pub const CONSTANTS: &[&str] = &["π", "e", "i", "∞"];

impl Expr {
    /// A whole number.
    pub fn whole(value: i64) -> Self {
        Expr::Num(Literal { value: RBig::from(value), places: None })
    }

    /// The expressions right below this one.
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

    /// The expression as a text in which the order of terms and factors says nothing. Matrices do not commute, so products keep the order of what
    /// may be one.
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

    /// Whether something holds for it or for anything below it.
    pub fn any(&self, holds: &mut dyn FnMut(&Expr) -> bool) -> bool {
        holds(self) || self.children().into_iter().any(|child| child.any(holds))
    }

    /// The same expression with its direct parts replaced.
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

    /// Puts an expression in the place of a name.
    pub fn replaced(&self, name: &str, by: &Expr) -> Expr {
        match self {
            Expr::Name(own) if own == name => by.clone(),
            other => other.with(&mut |inner| inner.replaced(name, by)),
        }
    }

    /// The expression without signs of degrees outside of sines and their kin.
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

    /// The variables in the order in which they first occur; what a sum or an integral binds is none.
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

    /// Whether it has no variables.
    pub fn is_constant(&self) -> bool {
        self.variables().is_empty()
    }

    /// The decimal places of a number that is written with a point, whatever its sign; `None` for everything else.
    pub fn places(&self) -> Option<u32> {
        match self {
            Expr::Num(number) => number.places,
            Expr::Neg(inner) => inner.places(),
            _ => None,
        }
    }

    /// Whether a number with a decimal point stands in it.
    pub fn has_decimals(&self) -> bool {
        self.any(&mut |inner| matches!(inner, Expr::Num(number) if number.places.is_some()))
    }

    /// Whether it is infinity, and with which sign.
    pub fn infinity(&self) -> Option<bool> {
        match self {
            Expr::Name(name) if name == "∞" => Some(true),
            Expr::Neg(inner) => inner.infinity().map(|positive| !positive),
            _ => None,
        }
    }

    /// The name that it is, where it is nothing else.
    pub fn name(&self) -> Option<&str> {
        match self {
            Expr::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it can stand for a quantity whose value is told after `=`: a name, a function such as `f(2)`, a ratio or
    /// a size of such.
    pub fn names_something(&self) -> bool {
        match self {
            Expr::Name(name) => !["π", "e", "∞"].contains(&name.as_str()),
            Expr::Div(over, under) => over.names_something() && under.names_something(),
            Expr::Call(name, args) if !args.is_empty() => {
                // `|AB| = 1` names a length, `|x| = 3` is an equation.
                let label = |arg: &Expr| arg.name().is_some_and(|name| name.starts_with(|c: char| c.is_uppercase()));
                name.starts_with("of ") || !self.is_constant() && (name != "abs" || args.iter().all(label))
            }
            // `AB^2`, of a label that is no variable.
            Expr::Pow(base, exponent) => {
                exponent.is_constant()
                    && base.name().is_some_and(|name| name.len() > 1 && name.bytes().all(|b| b.is_ascii_uppercase()))
            }
            _ => false,
        }
    }

    /// The expressions that `±` stands for; four times itself where it has several.
    pub fn both_signs(&self) -> Vec<Expr> {
        let mut signs = 0;
        self.any(&mut |inner| {
            signs += usize::from(matches!(inner, Expr::PlusMinus(..)));
            false
        });
        if signs > 1 {
            // Two values or four.
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
