//! Roots, powers, exponentials, logarithms and trigonometric functions of real numbers, with error bounds.

use dashu_base::BitTest;
use dashu_float::FpResult;
use dashu_ratio::RBig;

use super::{Float, NOTHING, NumberError, Precision, RealNumber, context, power, root, size, small, top};

/// Highest degree of a root that is calculated directly rather than by a logarithm.
const ROOTS: u32 = 64;
/// Largest exponent of two of an argument for which exponentials and trigonometric functions are calculated.
const WIDEST: i64 = 48;

fn rounded(value: FpResult<Float>) -> Result<Float, NumberError> {
    value.map(|value| value.value()).map_err(|_| NumberError::Unsure)
}

impl RealNumber {
    /// Returns π.
    pub fn pi(precision: &Precision) -> Result<RealNumber, NumberError> {
        precision.take(precision.bits)?;
        RealNumber::ball(context(precision).pi::<2>(None).value(), NOTHING, precision)
    }

    /// Returns Euler's number.
    pub fn e(precision: &Precision) -> Result<RealNumber, NumberError> {
        precision.take(precision.bits)?;
        RealNumber::ball(context(precision).e::<2>().value(), NOTHING, precision)
    }

    /// Returns the `degree`-th root of a non-negative number.
    pub fn root(&self, degree: u32, precision: &Precision) -> Result<RealNumber, NumberError> {
        if degree == 0 || degree > 10_000 {
            return Err(if degree == 0 { NumberError::Undefined } else { NumberError::TooMuch });
        }
        if let RealNumber::Exact(value) = self {
            precision.take(size(value).saturating_mul(8))?;
            if let Some(exact) = root(value, degree) {
                return Ok(RealNumber::Exact(exact));
            }
            precision.met(size(value));
        }
        precision.take(precision.bits.saturating_mul(4))?;
        let (middle, error) = self.float(precision);
        let degree_wide = i64::from(degree);
        if error > top(&middle) - 3 {
            // The number may be zero, and then the root is bounded by the root of its bound.
            let bound = top(&middle).max(error).saturating_add(1);
            return Ok(RealNumber::Ball(Float::ZERO.with_precision(precision.bits).value(), bound.div_euclid(degree_wide) + 1));
        }
        let low = top(&middle) - 2;
        // `|a^(1/n) - b^(1/n)| <= |a - b| / (n m^(1 - 1/n))`, where m is the smaller of a and b; the factor 1/n is left out.
        let error = error.saturating_sub(low).saturating_add(low.div_euclid(degree_wide) + 1);
        RealNumber::ball(rounded(context(precision).nth_root(degree as usize, middle.repr()))?, error, precision)
    }

    /// Returns the exponential.
    pub fn exp(&self, precision: &Precision) -> Result<RealNumber, NumberError> {
        if self.is_zero() {
            return Ok(RealNumber::ONE);
        }
        precision.take(precision.bits.saturating_mul(8))?;
        let (middle, error) = self.float(precision);
        if top(&middle) > WIDEST {
            return Err(NumberError::TooMuch);
        }
        if error > -1 {
            return Err(NumberError::Unsure);
        }
        let value = rounded(context(precision).exp(middle.repr(), None))?;
        let error = top(&value).saturating_add(error).saturating_add(1);
        RealNumber::ball(value, error, precision)
    }

    /// Returns the natural logarithm of a positive number. Undefined for zero; [`NumberError::Unsure`] if the number is not proven to be positive.
    pub fn ln(&self, precision: &Precision) -> Result<RealNumber, NumberError> {
        match self.sign() {
            Some(1) => {}
            Some(0) => return Err(NumberError::Undefined),
            _ => return Err(NumberError::Unsure),
        }
        if matches!(self, RealNumber::Exact(value) if value.is_one()) {
            return Ok(RealNumber::ZERO);
        }
        precision.take(precision.bits.saturating_mul(8))?;
        let (middle, error) = self.float(precision);
        if error > top(&middle) - 3 {
            return Err(NumberError::Unsure);
        }
        let error = error.saturating_sub(top(&middle) - 2).saturating_add(1);
        RealNumber::ball(rounded(context(precision).ln(middle.repr(), None))?, error, precision)
    }

    /// Returns sine and cosine.
    pub fn sin_cos(&self, precision: &Precision) -> Result<(RealNumber, RealNumber), NumberError> {
        if self.is_zero() {
            return Ok((RealNumber::ZERO, RealNumber::ONE));
        }
        precision.take(precision.bits.saturating_mul(8))?;
        let (middle, error) = self.float(precision);
        if top(&middle) > WIDEST {
            return Err(NumberError::TooMuch);
        }
        let (sin, cos) = context(precision).sin_cos(middle.repr(), None);
        Ok((RealNumber::ball(rounded(sin)?, error, precision)?, RealNumber::ball(rounded(cos)?, error, precision)?))
    }

    /// Returns the inverse sine of a number from -1 to 1.
    pub fn asin(&self, precision: &Precision) -> Result<RealNumber, NumberError> {
        let one = |sign: i32| if sign < 0 { RealNumber::whole(-1) } else { RealNumber::ONE };
        for sign in [-1, 1] {
            // Both ends of the domain are often exact.
            match self.sub(&one(sign), precision)?.sign() {
                Some(0) => {
                    return RealNumber::pi(precision)?
                        .mul(&RealNumber::Exact(RBig::from_parts(sign.into(), 2u8.into())), precision);
                }
                Some(side) if side == sign => return Err(NumberError::Undefined),
                Some(_) => {}
                None => return Err(NumberError::Unsure),
            }
        }
        if self.is_zero() {
            return Ok(RealNumber::ZERO);
        }
        // asin x = atan (x / sqrt(1 - x^2))
        let under = RealNumber::ONE.sub(&self.mul(self, precision)?, precision)?.root(2, precision)?;
        self.div(&under, precision)?.atan(precision)
    }

    /// Returns the inverse tangent.
    pub fn atan(&self, precision: &Precision) -> Result<RealNumber, NumberError> {
        if self.is_zero() {
            return Ok(RealNumber::ZERO);
        }
        precision.take(precision.bits.saturating_mul(8))?;
        let (middle, error) = self.float(precision);
        RealNumber::ball(rounded(context(precision).atan(middle.repr(), None))?, error, precision)
    }

    /// Returns a real power of a real base: for a whole exponent, an odd root of a negative base, or any power of a positive base. `None` if the
    /// power is complex.
    pub fn pow(&self, exponent: &RealNumber, precision: &Precision) -> Result<Option<RealNumber>, NumberError> {
        let whole = exponent.exact().and_then(small);
        if let (RealNumber::Exact(base), Some(whole)) = (self, whole) {
            return RealNumber::Exact(power(base, whole, precision)?).note(precision).map(Some);
        }
        if let Some(whole) = whole {
            return self.whole_power(whole, precision).map(Some);
        }
        let fraction = exponent.exact().map(|fraction| (fraction.numerator().clone(), fraction.denominator().clone()));
        if let Some((over, under)) = &fraction
            && let (Ok(degree), Some(over)) = (u32::try_from(under), small(&RBig::from(over.clone())))
            && degree <= ROOTS
        {
            let base = match self.sign() {
                Some(0) => return if over > 0 { Ok(Some(RealNumber::ZERO)) } else { Err(NumberError::Undefined) },
                Some(1) => self.root(degree, precision)?,
                Some(_) if degree % 2 == 1 => self.neg().root(degree, precision)?.neg(),
                Some(_) => return Ok(None),
                None if over > 0 => self.root(degree, precision)?,
                None => return Err(NumberError::Unsure),
            };
            return base.pow(&RealNumber::whole(over), precision);
        }
        match self.sign() {
            Some(0) => match exponent.sign() {
                Some(1) => Ok(Some(RealNumber::ZERO)),
                _ => Err(NumberError::Undefined),
            },
            Some(1) => self.ln(precision)?.mul(exponent, precision)?.exp(precision).map(Some),
            // An odd root of a negative base.
            Some(_) => match fraction {
                Some((over, under)) if under.bit(0) => {
                    let size = self.neg().ln(precision)?.mul(exponent, precision)?.exp(precision)?;
                    Ok(Some(if over.bit(0) { size.neg() } else { size }))
                }
                _ => Ok(None),
            },
            None => Err(NumberError::Unsure),
        }
    }

    fn whole_power(&self, exponent: i64, precision: &Precision) -> Result<RealNumber, NumberError> {
        let (mut result, mut square, mut left) = (RealNumber::ONE, self.clone(), exponent.unsigned_abs());
        if left > 1 << 40 {
            return Err(NumberError::TooMuch);
        }
        while left > 0 {
            if left & 1 == 1 {
                result = result.mul(&square, precision)?;
            }
            left >>= 1;
            if left > 0 {
                square = square.mul(&square, precision)?;
            }
        }
        if exponent < 0 { RealNumber::ONE.div(&result, precision) } else { Ok(result) }
    }
}
