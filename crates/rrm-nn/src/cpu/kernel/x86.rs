//! The product with vector instructions of x86-64: the same sums in the same order, 12 rows at a time with AVX-512, 3 with AVX2.
//!
//! Callers must have checked all bounds (`product`) and that the processor has the instructions (`Isa::detect`).

use std::arch::x86_64::*;

use super::{CHAIN, KernelCall, StoredNumber, TILE};

/// A stored weight that can be loaded into vectors.
pub trait VectorLoad {
    /// # Safety
    /// The processor must have AVX2, and eight numbers must be readable.
    unsafe fn eight(from: *const Self) -> __m256;
    /// # Safety
    /// The processor must have AVX-512F and BW, and sixteen numbers must be readable.
    unsafe fn sixteen(from: *const Self) -> __m512;
}

impl VectorLoad for f32 {
    #[inline(always)]
    unsafe fn eight(from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn sixteen(from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }
}

impl VectorLoad for u16 {
    #[inline(always)]
    unsafe fn eight(from: *const u16) -> __m256 {
        unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast())))) }
    }
    #[inline(always)]
    unsafe fn sixteen(from: *const u16) -> __m512 {
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast())))) }
    }
}

impl VectorLoad for i8 {
    #[inline(always)]
    unsafe fn eight(from: *const i8) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast()))) }
    }
    #[inline(always)]
    unsafe fn sixteen(from: *const i8) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(from.cast()))) }
    }
}

/// From this number of rows on, a tile prefetches the weights of the next chain: its computation takes long enough for them to arrive.
const FETCHING: usize = 7;

/// Defines a sweep over all panels for one kind of vector, `$most` rows at a time. With few rows several panels are computed together, so that enough
/// independent sums hide the latency of additions.
macro_rules! sweep {
    ($sweep:ident, $features:literal, $most:literal, $wide:literal, $tile:ident, [$([$($row:ident $index:literal),+]),+]) => {
        /// # Safety
        /// The processor must have the features, and all of `rows` and `panels` must be in range.
        #[target_feature(enable = $features)]
        pub unsafe fn $sweep<W: StoredNumber>(call: KernelCall<W>, rows: usize, panels: usize) {
            let blocks = rows.div_ceil($most);
            let size = rows.div_ceil(blocks);
            let together = match rows { 1 => $wide, 2 | 3 if $wide > 2 => 2, _ => 1 };
            let mut panel = 0;
            while panel < panels {
                let together = if panel + together <= panels { together } else { 1 };
                let (mut row, mut chain) = (0, 0);
                // All rows use one chain's weights before the next, so that these stay in the nearest cache.
                while chain * CHAIN < call.depth {
                    // SAFETY: all are inside, and so are the next `size` rows and `together` panels.
                    unsafe {
                        let call = call.at(row, panel).chain(chain);
                        match (size.min(rows - row), together) {
                            (1, $wide) => $tile!(W, call, $wide, [a 0]),
                            (2, 2) => $tile!(W, call, 2, [a 0, b 1]),
                            (3, 2) => $tile!(W, call, 2, [a 0, b 1, c 2]),
                            $((count, _) if count == [$($index),+].len() => $tile!(W, call, 1, [$($row $index),+]),)+
                            _ => unreachable!("blocks have at most {} rows", $most),
                        }
                    }
                    row += size;
                    if row >= rows {
                        (row, chain) = (0, chain + 1);
                    }
                }
                panel += together;
            }
        }
    };
}

/// Multiplies some rows with some panels. Each row's sums have a name of their own, because the compiler keeps large arrays in memory.
macro_rules! tile {
    ($vectors:literal, $lanes:literal, $number:ident, $zero:ident, $load:ident, $store:ident, $splat:ident, $fma:ident, $mul:ident, $sum:ident,
     $W:ident, $call:ident, $panels:literal, [$($row:ident $index:literal),+]) => {{
        $(let mut $row = [[$zero(); $vectors]; $panels];)+
        let (mut x, mut w, mut left) = ($call.x, $call.w, $call.depth);
        while left > 0 {
            let depth = left.min(TILE);
            // The next inputs: those of the chain's next tile, or of the next rows.
            let next = if left > TILE { x.wrapping_add($call.x_stride) } else { $call.x.wrapping_add([$($index),+].len() * TILE) };
            for d in 0..depth {
                if [$($index),+].len() >= FETCHING && d < 2 * [$($index),+].len() {
                    _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(d * (TILE / 2)).cast());
                }
                let mut weights = [[$zero(); $vectors]; $panels];
                for panel in 0..$panels {
                    for v in 0..$vectors {
                        let weight = w.add(panel * $call.w_stride + v * $lanes);
                        if [$($index),+].len() >= FETCHING {
                            _mm_prefetch::<_MM_HINT_T0>(weight.wrapping_add(CHAIN * TILE).cast());
                        }
                        weights[panel][v] = $W::$number(weight);
                    }
                }
                $(
                    let input = $splat(*x.add($index * TILE + d));
                    for panel in 0..$panels {
                        for v in 0..$vectors {
                            $row[panel][v] = $fma(input, weights[panel][v], $row[panel][v]);
                        }
                    }
                )+
                w = w.add(TILE);
            }
            x = x.add($call.x_stride);
            left -= depth;
        }
        for panel in 0..$panels {
            for v in 0..$vectors {
                let out = $call.out.add(panel * $call.out_stride + v * $lanes);
                if $call.scales.is_null() && !$call.add {
                    $($store(out.add($index * TILE), $row[panel][v]);)+
                } else if $call.scales.is_null() {
                    $($store(out.add($index * TILE), $sum($load(out.add($index * TILE)), $row[panel][v]));)+
                } else {
                    let scale = $load($call.scales.add(panel * TILE + v * $lanes));
                    $(
                        let (at, sum) = (out.add($index * TILE), $row[panel][v]);
                        $store(at, if $call.add { $fma(sum, scale, $load(at)) } else { $mul(sum, scale) });
                    )+
                }
            }
        }
    }};
}

macro_rules! tile512 {
    ($($args:tt)*) => {
        tile!(2, 16, sixteen, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_mul_ps,
            _mm512_add_ps, $($args)*)
    };
}

macro_rules! tile256 {
    ($($args:tt)*) => {
        tile!(4, 8, eight, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_mul_ps,
            _mm256_add_ps, $($args)*)
    };
}

sweep!(sweep512, "avx512f,avx512bw,avx512vl,avx2,fma", 12, 4, tile512, [
    [a 0], [a 0, b 1], [a 0, b 1, c 2], [a 0, b 1, c 2, d 3], [a 0, b 1, c 2, d 3, e 4], [a 0, b 1, c 2, d 3, e 4, f 5],
    [a 0, b 1, c 2, d 3, e 4, f 5, g 6], [a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7], [a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8],
    [a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9], [a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9, k 10],
    [a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9, k 10, l 11]
]);
sweep!(sweep256, "avx2,fma", 3, 2, tile256, [[a 0], [a 0, b 1], [a 0, b 1, c 2]]);
