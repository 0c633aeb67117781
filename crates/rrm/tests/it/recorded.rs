//! Our knockout against the paper authors' recorded one: RRM-32B on 512 MMLU-Pro questions with 32 candidates each; and our reading of
//! recorded judge replies.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use rrm::{
    format::Format,
    judge::{Evidence, Judgment, Order},
    ranking::{
        schedule::bracket,
        strategy::{self, DecidedBy, PairJudgment},
    },
    vote::{Decision, VoteCounts},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::shared_data;

const QUESTIONS: usize = 512;
const ROUNDS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

#[derive(Deserialize)]
struct Recorded {
    question_id: usize,
    rival_1: usize,
    rival_2: usize,
    winner: usize,
    pred: String,
}

fn gz<T: DeserializeOwned>(path: PathBuf) -> T {
    serde_json::from_reader(GzDecoder::new(std::fs::File::open(path).unwrap())).unwrap()
}

/// What was recorded about one match: the round, who was shown first and second, and who won.
type Match = (u32, usize, usize, usize);

/// For each question the matches of all rounds, and the first round's pairs in the order of their groups.
fn tournaments(folder: &Path) -> Vec<(HashSet<Match>, Vec<usize>)> {
    let mut tournaments = vec![(HashSet::new(), vec![usize::MAX; 32]); QUESTIONS];
    for (round, name) in ROUNDS.iter().enumerate() {
        let file = folder.join(format!("mmlu-pro-32b-{name}-round-voting_results.json.gz"));
        let groups: HashMap<String, Vec<Recorded>> = gz(file);
        for (group, matches) in groups {
            let group: usize = group.parse().unwrap();
            for m in matches {
                let chosen = if m.pred == "Assistant 1" { m.rival_1 } else { m.rival_2 };
                assert_eq!(m.winner, chosen, "the record contradicts itself");
                let (played, order) = &mut tournaments[m.question_id];
                played.insert((round as u32, m.rival_1, m.rival_2, m.winner));
                if round == 0 {
                    order[2 * group] = m.rival_1;
                    order[2 * group + 1] = m.rival_2;
                }
            }
        }
    }
    tournaments
}

fn judgment(decision: Decision) -> Judgment {
    Judgment { decision, counts: VoteCounts::default(), evidence: Evidence::Votes(Vec::new()), usage: Default::default() }
}

#[tokio::test]
async fn recorded_knockouts_are_played_match_by_match() {
    let Some(folder) = shared_data("rrm-recorded") else { return };
    let teams: Vec<usize> = (0..32).collect();
    let mut equal = 0;
    for (question, (recorded, order)) in tournaments(&folder).into_iter().enumerate() {
        assert_eq!(recorded.len(), 31, "question {question}: matches on record");
        // The judge is the record: a pair that the authors did not play has no answer, and the test fails.
        let play = |a: usize, b: usize| {
            let on_record =
                recorded.iter().find(|(_, first, second, _)| (a, b) == (*first, *second) || (b, a) == (*first, *second));
            let answer = on_record.map(|(_, first, second, winner)| PairJudgment {
                pair: (*first, *second),
                order: Order::Given,
                judgment: judgment(if winner == first { Decision::A } else { Decision::B }),
            });
            async move { answer.ok_or(format!("question {question}: {a} against {b} is not on record")) }
        };
        let matches =
            strategy::knockout(&bracket(&order).unwrap(), &teams, &play, &|_, _| panic!("no coin is needed")).await.unwrap();
        assert!(matches.iter().all(|m| m.decided_by == DecidedBy::Votes));
        let played: HashSet<Match> = matches.iter().map(|m| (m.round, m.a, m.b, m.winner.unwrap())).collect();
        assert_eq!(played, recorded, "question {question}");
        let ranking = rrm::ranking::of_knockout(32, matches);
        let last = recorded.iter().find(|(round, ..)| *round == 4).unwrap();
        assert_eq!(ranking.order.unwrap()[0], last.3, "question {question}: winner");
        equal += 1;
    }
    eprintln!("{equal} of {QUESTIONS} knockouts equal the record: 31 matches and the winner");
    assert_eq!(equal, QUESTIONS);
}

#[derive(Deserialize)]
struct Replies {
    pair_id: String,
    judgments: Vec<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    judgment: Text,
    decision: Option<String>,
}

#[derive(Deserialize)]
struct Text {
    response: String,
}

#[test]
fn recorded_arena_hard_replies_are_read_as_upstream_read_them() {
    let Some(folder) = shared_data("judgebench") else { return };
    let format = Format::shipped("arena-hard").unwrap();
    let file = GzDecoder::new(std::fs::File::open(folder.join("o1-mini-arena_hard-judgments.jsonl.gz")).unwrap());
    let mut read = 0;
    for line in std::io::BufRead::lines(std::io::BufReader::new(file)) {
        let row: Replies = serde_json::from_str(&line.unwrap()).unwrap();
        for reply in row.judgments {
            let ours = format.file.verdict.read(&reply.judgment.response).ok().map(|verdict| match verdict {
                rrm::verdict::Verdict::First => "A>B",
                rrm::verdict::Verdict::Second => "B>A",
                rrm::verdict::Verdict::Tie => "A=B",
            });
            assert_eq!(ours, reply.decision.as_deref(), "{}: {:?}", row.pair_id, reply.judgment.response);
            read += 1;
        }
    }
    assert_eq!(read, 700);
}
