//! The skinny product: equal to its definition, bit for bit, on every instruction set and for every count of rows.

use proptest::prelude::*;
use rrm_nn::cpu::kernel::{CHAIN, Isa, Panels, ProductOut, StoredWeights, TILE, TileRows, product};

/// Numbers that differ, around zero.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    (0..count as u64)
        .map(|i| ((i.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 7) % 2001) as f32 / 1000.0 - 1.0)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn it_is_its_definition(rows in 1usize..30, first in 0usize..3, panels in 1usize..6, depth in 1usize..200, kind in 0..3, add: bool, seed in 0u64..1000) {
        let all = first + rows + 1;
        let tiles = depth.div_ceil(TILE);
        let x = numbers(tiles * all * TILE, seed);
        let f = numbers(panels * depth * TILE, seed + 1);
        let b: Vec<u16> = f.iter().map(|value| (value.to_bits() >> 16) as u16).collect();
        let i: Vec<i8> = f.iter().map(|value| (value * 127.0) as i8).collect();
        let scales = numbers(panels * TILE, seed + 2);
        let weights = match kind { 0 => StoredWeights::F32(&f), 1 => StoredWeights::Bf16(&b), _ => StoredWeights::Int8(&i, &scales) };
        let before = numbers(panels * all * TILE, seed + 3);
        let mut expected = before.clone();
        for (panel, row, lane) in (0..panels).flat_map(|p| (0..rows).flat_map(move |r| (0..TILE).map(move |l| (p, r, l)))) {
            let out = &mut expected[(panel * all + first + row) * TILE + lane];
            let scale = scales[panel * TILE + lane];
            for (number, chain) in (0..depth).collect::<Vec<_>>().chunks(CHAIN).enumerate() {
                let mut sum = 0.0f32;
                for d in chain {
                    let at = (panel * depth + d) * TILE + lane;
                    let w = match kind { 0 => f[at], 1 => f32::from_bits(u32::from(b[at]) << 16), _ => f32::from(i[at]) };
                    sum = x[(d / TILE * all + first + row) * TILE + d % TILE].mul_add(w, sum);
                }
                *out = match (kind, add || number > 0) {
                    (2, true) => sum.mul_add(scale, *out),
                    (2, false) => sum * scale,
                    (_, true) => *out + sum,
                    (_, false) => sum,
                };
            }
        }
        for isa in Isa::all() {
            // Numbers on both sides that must stay as they are.
            let mut out = vec![7.0; 64];
            out.extend(&before);
            out.extend([7.0; 64]);
            let inside = 64..64 + before.len();
            let rows = TileRows { data: &x, all, first, count: rows };
            let w = Panels { weights, stride: depth * TILE, depth };
            product(isa, rows, w, ProductOut { data: &mut out[inside.clone()], all, first, add });
            prop_assert!(out[..64].iter().chain(&out[inside.end..]).all(|value| *value == 7.0));
            let same = out[inside.clone()].iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
            prop_assert_eq!(same, None, "{:?}", isa);
        }
    }
}
