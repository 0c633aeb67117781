//! Complex numbers.

use dashu_ratio::RBig;

use super::{NumberError, Precision, RealNumber};

/// A complex number. It is real if its imaginary part is exactly zero.
#[derive(Clone, Debug)]
pub struct Complex {
    /// The real part.
    pub re: RealNumber,
    /// The imaginary part.
    pub im: RealNumber,
}

impl From<RealNumber> for Complex {
    fn from(re: RealNumber) -> Self {
        Complex { re, im: RealNumber::ZERO }
    }
}

impl Complex {
    /// A whole number.
    pub fn whole(value: i64) -> Self {
        RealNumber::whole(value).into()
    }

    /// Whether the imaginary part is exactly zero.
    pub fn is_real(&self) -> bool {
        self.im.is_zero()
    }

    /// Returns the sum.
    pub fn add(&self, other: &Self, precision: &Precision) -> Result<Self, NumberError> {
        let im = if self.is_real() && other.is_real() { RealNumber::ZERO } else { self.im.add(&other.im, precision)? };
        Ok(Complex { re: self.re.add(&other.re, precision)?, im })
    }

    /// Returns the number with the opposite sign.
    pub fn neg(&self) -> Self {
        Complex { re: self.re.neg(), im: self.im.neg() }
    }

    /// Returns the difference.
    pub fn sub(&self, other: &Self, precision: &Precision) -> Result<Self, NumberError> {
        self.add(&other.neg(), precision)
    }

    /// Returns the product.
    pub fn mul(&self, other: &Self, precision: &Precision) -> Result<Self, NumberError> {
        if self.is_real() && other.is_real() {
            return Ok(self.re.mul(&other.re, precision)?.into());
        }
        let part = |a: &RealNumber, b: &RealNumber| a.mul(b, precision);
        let re = part(&self.re, &other.re)?.sub(&part(&self.im, &other.im)?, precision)?;
        let im = part(&self.re, &other.im)?.add(&part(&self.im, &other.re)?, precision)?;
        Ok(Complex { re, im })
    }

    /// Returns the quotient.
    pub fn div(&self, other: &Self, precision: &Precision) -> Result<Self, NumberError> {
        if other.is_real() {
            let im = if self.is_real() { RealNumber::ZERO } else { self.im.div(&other.re, precision)? };
            return Ok(Complex { re: self.re.div(&other.re, precision)?, im });
        }
        let size = other.re.mul(&other.re, precision)?.add(&other.im.mul(&other.im, precision)?, precision)?;
        let turned = Complex { re: other.re.clone(), im: other.im.neg() };
        let over = self.mul(&turned, precision)?;
        Ok(Complex { re: over.re.div(&size, precision)?, im: over.im.div(&size, precision)? })
    }

    /// Returns the absolute value.
    pub fn abs(&self, precision: &Precision) -> Result<RealNumber, NumberError> {
        if self.is_real() {
            return Ok(self.re.abs());
        }
        self.re.mul(&self.re, precision)?.add(&self.im.mul(&self.im, precision)?, precision)?.root(2, precision)
    }

    /// Returns the exponential.
    pub fn exp(&self, precision: &Precision) -> Result<Self, NumberError> {
        let size = self.re.exp(precision)?;
        if self.is_real() {
            return Ok(size.into());
        }
        let (sin, cos) = self.im.sin_cos(precision)?;
        Ok(Complex { re: size.mul(&cos, precision)?, im: size.mul(&sin, precision)? })
    }

    /// Returns the argument: the angle from the positive real axis, above -π and up to π. Undefined for zero.
    fn angle(&self, precision: &Precision) -> Result<RealNumber, NumberError> {
        let half =
            |sign: i32| RealNumber::pi(precision)?.mul(&RealNumber::Exact(RBig::from_parts(sign.into(), 2u8.into())), precision);
        match (self.re.sign().ok_or(NumberError::Unsure)?, self.im.sign().ok_or(NumberError::Unsure)?) {
            (0, 0) => Err(NumberError::Undefined),
            (0, up) => half(up),
            (1, 0) => Ok(RealNumber::ZERO),
            (1, _) => self.im.div(&self.re, precision)?.atan(precision),
            (_, up) => {
                let turn = half(if up < 0 { -2 } else { 2 })?;
                self.im.div(&self.re, precision)?.atan(precision)?.add(&turn, precision)
            }
        }
    }

    /// Returns the principal logarithm.
    pub fn ln(&self, precision: &Precision) -> Result<Self, NumberError> {
        if self.is_real() && self.re.sign() == Some(1) {
            return Ok(self.re.ln(precision)?.into());
        }
        if self.is_real() {
            precision.left_reals.set(true);
        }
        Ok(Complex { re: self.abs(precision)?.ln(precision)?, im: self.angle(precision)? })
    }

    /// Returns the power: the real one if there is one, otherwise the principal value.
    pub fn pow(&self, exponent: &Self, precision: &Precision) -> Result<Self, NumberError> {
        if self.is_real() && exponent.is_real() {
            if let Some(real) = self.re.pow(&exponent.re, precision)? {
                return Ok(real.into());
            }
            precision.left_reals.set(true);
            // The square root of a negative number, without calculating its angle.
            if exponent.re.exact() == Some(&RBig::from_parts(1.into(), 2u8.into())) {
                return Ok(Complex { re: RealNumber::ZERO, im: self.re.neg().root(2, precision)? });
            }
        }
        if let Some(whole) = exponent.re.exact().and_then(super::small)
            && exponent.is_real()
            && whole.unsigned_abs() <= 1000
        {
            let power = (0..whole.unsigned_abs()).try_fold(Complex::whole(1), |power, _| power.mul(self, precision))?;
            return if whole < 0 { Complex::whole(1).div(&power, precision) } else { Ok(power) };
        }
        exponent.mul(&self.ln(precision)?, precision)?.exp(precision)
    }

    /// Returns sine and cosine.
    pub fn sin_cos(&self, precision: &Precision) -> Result<(Self, Self), NumberError> {
        let (sin, cos) = self.re.sin_cos(precision)?;
        if self.is_real() {
            return Ok((sin.into(), cos.into()));
        }
        let (up, down) = (self.im.exp(precision)?, self.im.neg().exp(precision)?);
        let half = RealNumber::Exact(RBig::from_parts(1.into(), 2u8.into()));
        let cosh = up.add(&down, precision)?.mul(&half, precision)?;
        let sinh = up.sub(&down, precision)?.mul(&half, precision)?;
        Ok((
            Complex { re: sin.mul(&cosh, precision)?, im: cos.mul(&sinh, precision)? },
            Complex { re: cos.mul(&cosh, precision)?, im: sin.neg().mul(&sinh, precision)? },
        ))
    }
}
