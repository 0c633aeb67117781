//! How fast the skinny products are: GFLOP/s and GB/s for shapes of the SmolLM2 decoder.
#![allow(clippy::print_stdout, reason = "an example prints")]
use std::time::Instant;

use rrm_nn::cpu::{
    kernel::{Isa, Panels, ProductOut, StoredWeights, TILE, TileRows, product},
    pool::Pool,
};

fn main() {
    let threads: usize = std::env::args().nth(1).and_then(|t| t.parse().ok()).unwrap_or(2);
    let mut pool = Pool::new(threads).expect("threads");
    for isa in Isa::all() {
        for (n, k) in [(2048usize, 256usize), (512, 256), (1536, 256), (256, 768), (3072, 576)] {
            for kind in ["f32", "bf16", "int8"] {
                let f = vec![0.5f32; n * k + 16];
                let at = f.as_ptr().align_offset(64);
                let b = vec![0x3f00u16; n * k];
                let i = vec![3i8; n * k];
                let scales = vec![0.1f32; n];
                for m in [1usize, 12, 16, 24, 64] {
                    let x = vec![1f32; m * k];
                    let mut out = vec![0f32; m * n];
                    let group = if m <= 3 { 4 } else { 2 };
                    let mut times = vec![];
                    for _ in 0..30 {
                        let t = Instant::now();
                        pool.pieces(&mut out, group * m * TILE, |piece, out| {
                            let p = piece * group;
                            let from = p * k * TILE;
                            let weights = match kind {
                                "f32" => StoredWeights::F32(&f[at + from..]),
                                "bf16" => StoredWeights::Bf16(&b[from..]),
                                _ => StoredWeights::Int8(&i[from..], &scales[p * TILE..]),
                            };
                            let rows = TileRows { data: &x, all: m, first: 0, count: m };
                            product(
                                isa,
                                rows,
                                Panels { weights, stride: k * TILE, depth: k },
                                ProductOut { data: out, all: m, first: 0, add: false },
                            );
                        });
                        times.push(t.elapsed().as_secs_f64());
                    }
                    times.sort_by(f64::total_cmp);
                    let best = times[3];
                    let bytes = match kind {
                        "f32" => 4,
                        "bf16" => 2,
                        _ => 1,
                    } * n
                        * k;
                    println!(
                        "{isa:?} {kind} {n}x{k} m={m}: {:.3} ms {:.1} GFLOP/s {:.1} GB/s",
                        best * 1e3,
                        2. * (m * n * k) as f64 / best / 1e9,
                        bytes as f64 / best / 1e9
                    );
                }
            }
        }
    }
}
