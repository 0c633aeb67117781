//! Numbers for comparisons: exact fractions of any size, and real numbers with error bounds.
//!
//! A [`RealNumber`] is either an exact fraction or a ball: a midpoint and a radius such that the true value lies inside. Two numbers are proven
//! unequal when their balls do not overlap. Sizes are bounded: an exact number of more than [`Precision::MOST`] bits is [`NumberError::TooMuch`].

mod complex;
mod functions;

use std::cell::Cell;

use dashu_base::{Abs, BitTest, Sign, Signed};
use dashu_float::{Context, FBig, round::mode::HalfEven};
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

pub use self::complex::Complex;

/// A binary floating-point number.
pub type Float = FBig<HalfEven, 2>;

/// The reason why an expression has no usable value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// There is no finite value: a division by zero, a logarithm of zero.
    Undefined,
    /// The calculated digits do not decide: a pole or a step may lie within the error bounds.
    Unsure,
    /// The calculation takes more bits or steps than allowed.
    TooMuch,
}

/// The precision of a calculation, its remaining steps, and the largest size it met.
#[derive(Debug)]
pub struct Precision {
    /// Bits of each midpoint.
    pub bits: usize,
    /// The largest size met so far: bits of an exact number, or absolute exponent of a calculated one.
    pub largest: Cell<usize>,
    /// Most bits of an exact number; above this it is [`NumberError::TooMuch`].
    pub most: usize,
    /// Whether a function of a real number had a value that is not real.
    pub left_reals: Cell<bool>,
    /// Steps that are left. Bigger numbers take more of them.
    pub steps: Cell<u32>,
}

impl Precision {
    /// Default of `most`. The exact value of `2^{1000000}` fits.
    pub const MOST: usize = 1 << 20;

    /// A precision of `bits` bits with `steps` steps left.
    pub fn new(bits: usize, steps: u32) -> Self {
        Precision { bits, most: Self::MOST, largest: Cell::new(0), left_reals: Cell::new(false), steps: Cell::new(steps) }
    }

    /// Takes one step, and one more for each 256 bits of work. Fails with [`NumberError::TooMuch`] when no steps are left.
    pub fn take(&self, bits: usize) -> Result<(), NumberError> {
        let cost = u32::try_from(1 + bits / 256).unwrap_or(u32::MAX);
        let left = self.steps.get().checked_sub(cost);
        self.steps.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(NumberError::TooMuch)
    }

    fn met(&self, size: usize) {
        self.largest.set(self.largest.get().max(size));
    }
}

/// Returns the size of a fraction in bits: that of its numerator or denominator, whichever is larger.
pub fn size(value: &RBig) -> usize {
    value.numerator().bit_len().max(value.denominator().bit_len())
}

/// Returns a whole number as `i64`; `None` for a fraction or if it does not fit.
pub fn small(value: &RBig) -> Option<i64> {
    if value.is_int() { i64::try_from(value.numerator()).ok() } else { None }
}

/// Returns the power with a whole exponent. `0^0` and negative powers of zero are [`NumberError::Undefined`].
pub fn power(base: &RBig, exponent: i64, precision: &Precision) -> Result<RBig, NumberError> {
    if base.is_zero() {
        return if exponent > 0 { Ok(RBig::ZERO) } else { Err(NumberError::Undefined) };
    }
    if base.is_one() || exponent == 0 {
        return Ok(RBig::ONE);
    }
    let times = usize::try_from(exponent.unsigned_abs()).map_err(|_| NumberError::TooMuch)?;
    if base.denominator().is_one() && base.numerator() == &IBig::NEG_ONE {
        return Ok(if times.is_multiple_of(2) { RBig::ONE } else { base.clone() });
    }
    let bits = size(base).saturating_mul(times);
    if bits > precision.most {
        return Err(NumberError::TooMuch);
    }
    precision.take(bits)?;
    let (over, under) = (base.numerator().pow(times), base.denominator().pow(times));
    Ok(if exponent < 0 { RBig::from_parts_signed(under.into(), over) } else { RBig::from_parts(over, under) })
}

/// Returns the `degree`-th root of a non-negative fraction if it is a fraction; otherwise `None`.
pub fn root(value: &RBig, degree: u32) -> Option<RBig> {
    let exact = |number: &UBig| {
        let root = number.nth_root(degree as usize);
        (root.pow(degree as usize) == *number).then_some(root)
    };
    let over = UBig::try_from(value.numerator().clone()).ok()?;
    Some(RBig::from_parts(exact(&over)?.into(), exact(value.denominator())?))
}

/// A real number: exact, or a ball that contains it.
#[derive(Clone, Debug)]
pub enum RealNumber {
    /// An exact fraction.
    Exact(RBig),
    /// A midpoint, and the exponent of a power of two that bounds the distance of the true value from it.
    Ball(Float, i64),
}

/// The exponent of an empty radius; below that of any real error.
const NOTHING: i64 = i64::MIN / 4;

/// Returns an exponent of two that bounds the absolute value of a number.
fn top(value: &Float) -> i64 {
    let repr = value.repr();
    if repr.significand().is_zero() { NOTHING } else { repr.exponent() as i64 + repr.digits() as i64 }
}

impl RealNumber {
    /// Zero.
    pub const ZERO: RealNumber = RealNumber::Exact(RBig::ZERO);
    /// One.
    pub const ONE: RealNumber = RealNumber::Exact(RBig::ONE);

    /// A whole number.
    pub fn whole(value: i64) -> Self {
        RealNumber::Exact(RBig::from(value))
    }

    /// Whether it is exactly zero.
    pub fn is_zero(&self) -> bool {
        matches!(self, RealNumber::Exact(value) if value.is_zero())
    }

    /// Returns the exact fraction, or `None` for a ball.
    pub fn exact(&self) -> Option<&RBig> {
        match self {
            RealNumber::Exact(value) => Some(value),
            RealNumber::Ball(..) => None,
        }
    }

    /// Makes a ball of a calculated midpoint. The rounding error of its last bit is added to `error`, an exponent of two.
    fn ball(middle: Float, error: i64, precision: &Precision) -> Result<RealNumber, NumberError> {
        let size = top(&middle);
        // A number that may be zero has no size to record.
        if size > NOTHING && error < size - 8 {
            precision.met(usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX));
        }
        let last = size.saturating_sub(precision.bits as i64).saturating_add(1);
        let error = if size == NOTHING { error } else { error.max(last).saturating_add(2) };
        Ok(RealNumber::Ball(middle, error))
    }

    /// Returns the number as midpoint and error exponent.
    fn float(&self, precision: &Precision) -> (Float, i64) {
        match self {
            RealNumber::Exact(value) => {
                let middle: Float = value.to_float::<HalfEven, 2>(precision.bits).value();
                let middle = middle.with_precision(precision.bits).value();
                let error = top(&middle).saturating_sub(precision.bits as i64).saturating_add(1);
                (middle, error)
            }
            RealNumber::Ball(middle, error) => (middle.clone(), *error),
        }
    }

    fn note(self, precision: &Precision) -> Result<RealNumber, NumberError> {
        if let RealNumber::Exact(value) = &self {
            let bits = size(value);
            precision.met(bits);
            if bits > precision.most {
                return Err(NumberError::TooMuch);
            }
        }
        Ok(self)
    }

    /// Returns the sum.
    pub fn add(&self, other: &RealNumber, precision: &Precision) -> Result<RealNumber, NumberError> {
        precision.take(precision.bits)?;
        if let (RealNumber::Exact(a), RealNumber::Exact(b)) = (self, other) {
            precision.take(size(a).saturating_add(size(b)))?;
            return RealNumber::Exact(a + b).note(precision);
        }
        let ((a, a_error), (b, b_error)) = (self.float(precision), other.float(precision));
        RealNumber::ball(a + b, a_error.max(b_error).saturating_add(1), precision)
    }

    /// Returns the number with the opposite sign.
    pub fn neg(&self) -> RealNumber {
        match self {
            RealNumber::Exact(value) => RealNumber::Exact(-value),
            RealNumber::Ball(middle, error) => RealNumber::Ball(-middle, *error),
        }
    }

    /// Returns the difference.
    pub fn sub(&self, other: &RealNumber, precision: &Precision) -> Result<RealNumber, NumberError> {
        self.add(&other.neg(), precision)
    }

    /// Returns the product.
    pub fn mul(&self, other: &RealNumber, precision: &Precision) -> Result<RealNumber, NumberError> {
        precision.take(precision.bits)?;
        if self.is_zero() || other.is_zero() {
            return Ok(RealNumber::ZERO);
        }
        if let (RealNumber::Exact(a), RealNumber::Exact(b)) = (self, other) {
            precision.take(size(a).saturating_add(size(b)))?;
            return RealNumber::Exact(a * b).note(precision);
        }
        let ((a, a_error), (b, b_error)) = (self.float(precision), other.float(precision));
        let parts = [top(&a).saturating_add(b_error), top(&b).saturating_add(a_error), a_error.saturating_add(b_error)];
        let error = parts.into_iter().max().unwrap_or(NOTHING).saturating_add(2);
        RealNumber::ball(a * b, error, precision)
    }

    /// Returns the quotient. Division by zero is [`NumberError::Undefined`].
    pub fn div(&self, other: &RealNumber, precision: &Precision) -> Result<RealNumber, NumberError> {
        precision.take(precision.bits)?;
        if other.is_zero() {
            return Err(NumberError::Undefined);
        }
        if let (RealNumber::Exact(a), RealNumber::Exact(b)) = (self, other) {
            precision.take(size(a).saturating_add(size(b)))?;
            return RealNumber::Exact(a / b).note(precision);
        }
        if self.is_zero() {
            return other.sign().map(|_| RealNumber::ZERO).ok_or(NumberError::Unsure);
        }
        let ((a, a_error), (b, b_error)) = (self.float(precision), other.float(precision));
        if b_error > top(&b) - 3 {
            return Err(NumberError::Unsure);
        }
        let low = top(&b) - 2;
        let parts = [top(&a).saturating_add(b_error).saturating_sub(2 * low), a_error.saturating_sub(low)];
        let error = parts.into_iter().max().unwrap_or(NOTHING).saturating_add(2);
        RealNumber::ball(a / b, error, precision)
    }

    /// Returns the sign as -1, 0 or 1; `None` if the ball contains zero.
    pub fn sign(&self) -> Option<i32> {
        match self {
            RealNumber::Exact(value) if value.is_zero() => Some(0),
            RealNumber::Exact(value) => Some(if value.sign() == Sign::Negative { -1 } else { 1 }),
            // The leading bit of the middle is worth 2^(top - 1).
            RealNumber::Ball(middle, error) => {
                let apart = *error < top(middle) - 1;
                apart.then(|| if middle.is_negative() { -1 } else { 1 })
            }
        }
    }

    /// Returns the absolute value.
    pub fn abs(&self) -> RealNumber {
        match self {
            RealNumber::Exact(value) => RealNumber::Exact(value.clone().abs()),
            RealNumber::Ball(middle, error) => RealNumber::Ball(middle.clone().abs(), *error),
        }
    }

    /// Returns an exponent of two that bounds the absolute value from above.
    pub fn top(&self) -> i64 {
        match self {
            RealNumber::Exact(value) if value.is_zero() => NOTHING,
            RealNumber::Exact(value) => value.numerator().bit_len() as i64 - value.denominator().bit_len() as i64 + 1,
            RealNumber::Ball(middle, error) => top(middle).max(*error).saturating_add(1),
        }
    }

    /// Returns the exponent of two that bounds the error; the smallest exponent for an exact number.
    pub fn error(&self) -> i64 {
        match self {
            RealNumber::Exact(_) => NOTHING,
            RealNumber::Ball(_, error) => *error,
        }
    }

    /// Compares two numbers; `None` if their balls overlap.
    pub fn compare(&self, other: &RealNumber, precision: &Precision) -> Result<Option<std::cmp::Ordering>, NumberError> {
        Ok(self.sub(other, precision)?.sign().map(|sign| sign.cmp(&0)))
    }

    /// Returns the greatest whole number that is not above this number. Fails with [`NumberError::Unsure`] if the ball does not decide.
    pub fn floor(&self) -> Result<RealNumber, NumberError> {
        match self {
            RealNumber::Exact(value) => Ok(RealNumber::Exact(value.floor().into())),
            RealNumber::Ball(middle, error) if *error < -8 && top(middle) < 4096 => {
                // The ball must not contain a whole number.
                let twice = RBig::try_from(middle.clone()).map_err(|_| NumberError::Unsure)?;
                let radius = if *error < -4096 {
                    RBig::ZERO
                } else {
                    RBig::from_parts(1.into(), UBig::ONE << error.unsigned_abs() as usize)
                };
                let (low, high) = ((&twice - &radius).floor(), (&twice + &radius).floor());
                if low == high && RBig::from(low.clone()) != twice {
                    Ok(RealNumber::Exact(low.into()))
                } else {
                    Err(NumberError::Unsure)
                }
            }
            RealNumber::Ball(..) => Err(NumberError::Unsure),
        }
    }

    /// Returns the simplest fraction within the error bounds, or `None` if even that has too many bits to be meaningful.
    pub fn simple(&self, precision: &Precision) -> Option<RBig> {
        match self {
            RealNumber::Exact(value) => Some(value.clone()),
            RealNumber::Ball(middle, error) => {
                let middle = RBig::try_from(middle.clone()).ok()?;
                let radius = RBig::from(2).pow(isize::try_from(*error).ok().filter(|error| (-100_000..0).contains(error))?);
                let found = RBig::simplest_in(&middle - &radius, &middle + &radius);
                (size(&found) < precision.bits / 4).then_some(found)
            }
        }
    }

    /// Returns a text that identifies the value: all digits of an exact number, at most 160 bits of a ball.
    pub fn key(&self) -> String {
        match self {
            RealNumber::Exact(value) => value.to_string(),
            RealNumber::Ball(middle, error) => {
                let kept = (top(middle) - error - 16).clamp(1, 160) as usize;
                let rounded = middle.clone().with_precision(kept).value();
                format!("~{}e{}", rounded.repr().significand(), rounded.repr().exponent())
            }
        }
    }
}

fn context(precision: &Precision) -> Context<HalfEven> {
    Context::new(precision.bits)
}
