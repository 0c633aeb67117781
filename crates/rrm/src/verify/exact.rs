//! Exact fractions of whole numbers, as long as they fit; whole answers of any length are compared as texts before this is asked.

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    over: i128,
    under: i128,
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Fraction {
    /// `over / under`; `None` for a zero denominator or what does not fit.
    pub fn new(over: i128, under: i128) -> Option<Self> {
        if under == 0 {
            return None;
        }
        let shared = i128::try_from(gcd(over.unsigned_abs(), under.unsigned_abs())).ok()?;
        let (over, under) = (over / shared, under / shared);
        if under < 0 {
            Some(Fraction { over: over.checked_neg()?, under: under.checked_neg()? })
        } else {
            Some(Fraction { over, under })
        }
    }

    /// Digits with at most one point.
    pub fn decimal(digits: &str) -> Option<Self> {
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let places = u32::try_from(part.len()).ok()?;
        let over: i128 = format!("{whole}{part}").parse().ok()?;
        Fraction::new(over, 10i128.checked_pow(places)?)
    }

    /// A whole number of moderate size, for exponents and factorials.
    pub fn whole(self) -> Option<i32> {
        (self.under == 1).then(|| i32::try_from(self.over).ok()).flatten()
    }

    pub fn add(self, other: Self) -> Option<Self> {
        let over = self.over.checked_mul(other.under)?.checked_add(other.over.checked_mul(self.under)?)?;
        Fraction::new(over, self.under.checked_mul(other.under)?)
    }

    pub fn neg(self) -> Option<Self> {
        Fraction::new(self.over.checked_neg()?, self.under)
    }

    pub fn mul(self, other: Self) -> Option<Self> {
        Fraction::new(self.over.checked_mul(other.over)?, self.under.checked_mul(other.under)?)
    }

    pub fn inverse(self) -> Option<Self> {
        Fraction::new(self.under, self.over)
    }

    pub fn power(self, exponent: i32) -> Option<Self> {
        let base = if exponent < 0 { self.inverse()? } else { self };
        let exponent = exponent.unsigned_abs();
        Fraction::new(base.over.checked_pow(exponent)?, base.under.checked_pow(exponent)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_exact_or_not_there() {
        let one = |text: &str| Fraction::decimal(text).unwrap();
        assert_eq!(one("0.50"), Fraction::new(-1, -2).unwrap());
        assert_eq!(one("0.1").add(one("0.2")), Some(one("0.3")));
        assert_eq!(one("2").power(-3), Fraction::new(1, 8));
        assert_eq!(one("2").power(200), None);
        assert_eq!(one("0").inverse(), None);
        assert_eq!(Fraction::decimal(&"9".repeat(60)), None);
    }
}
