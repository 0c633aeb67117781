//! A symmetric positive definite matrix -> its Cholesky factor, solutions with it, and the diagonal of its inverse.

/// The lower triangular `L` with `L Lᵀ = M`, row by row in one vector of `n * n`; what lies above the diagonal is not read.
pub(super) struct Cholesky {
    n: usize,
    rows: Vec<f64>,
}

impl Cholesky {
    /// Factors `matrix` (`n * n`, row by row; only its lower triangle is read); `None` when it is not positive definite.
    pub(super) fn new(n: usize, matrix: Vec<f64>) -> Option<Self> {
        let mut rows = matrix;
        for i in 0..n {
            for j in 0..=i {
                let rest = rows[i * n + j] - dot(&rows[i * n..i * n + j], &rows[j * n..j * n + j]);
                rows[i * n + j] = if i == j { Some(rest.sqrt()).filter(|pivot| *pivot > 0.0)? } else { rest / rows[j * n + j] };
            }
        }
        Some(Cholesky { n, rows })
    }

    /// The `x` with `M x = right`.
    pub(super) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut x = right.to_vec();
        for i in 0..n {
            x[i] = (x[i] - dot(&self.rows[i * n..i * n + i], &x[..i])) / self.rows[i * n + i];
        }
        for i in (0..n).rev() {
            x[i] /= self.rows[i * n + i];
            let (before, solved) = x.split_at_mut(i);
            subtract(before, solved[0], &self.rows[i * n..i * n + i]);
        }
        x
    }

    /// The diagonal of the inverse of `M`: the squared lengths of the columns of the inverse of `L`.
    pub(super) fn inverse_diagonal(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        let mut diagonal = vec![0.0; n];
        for i in 0..n {
            let (above, row) = inverse.split_at_mut(i * n);
            for k in 0..i {
                subtract(&mut row[..=k], self.rows[i * n + k], &above[k * n..k * n + k + 1]);
            }
            row[i] = 1.0;
            for (j, entry) in row[..=i].iter_mut().enumerate() {
                *entry /= self.rows[i * n + i];
                diagonal[j] += *entry * *entry;
            }
        }
        diagonal
    }
}

/// The sum of products.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// `x - factor * y`, in place.
fn subtract(x: &mut [f64], factor: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x -= factor * y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_solves_and_inverts() {
        // A matrix with a known inverse: tridiagonal (2, -1), whose inverse has the diagonal i (n + 1 - i) / (n + 1).
        let n: usize = 4;
        let matrix = (0..n * n).map(|at| match (at / n).abs_diff(at % n) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        let factor = Cholesky::new(n, matrix.collect()).unwrap();
        for (x, expected) in factor.solve(&[1.0, 0.0, 0.0, 5.0]).iter().zip([1.8, 2.6, 3.4, 4.2]) {
            assert!((x - expected).abs() < 1e-12, "{x} is not {expected}");
        }
        for (x, expected) in factor.inverse_diagonal().iter().zip([0.8, 1.2, 1.2, 0.8]) {
            assert!((x - expected).abs() < 1e-12, "{x} is not {expected}");
        }
    }

    #[test]
    fn an_indefinite_or_singular_matrix_is_refused() {
        assert!(Cholesky::new(2, vec![1.0, 0.0, 2.0, 1.0]).is_none());
        assert!(Cholesky::new(2, vec![1.0, 0.0, 1.0, 1.0]).is_none());
        assert!(Cholesky::new(1, vec![f64::NAN]).is_none());
    }
}
