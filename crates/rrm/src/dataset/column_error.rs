//! Errors of column specs, as sentences that say what to write.

use super::{
    columns::{FIELDS, Field},
    nearest::nearest,
};

/// The reason why a column spec cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The spec has no `=`, or nothing on one side of it.
    #[error("column `{spec}`: expected FIELD=COLUMN, such as prompt=question")]
    Shape {
        /// The spec.
        spec: String,
    },
    /// There is no such field.
    #[error("column `{spec}`: no field `{field}`{}; fields are: {}", nearest_field(field), FIELDS.map(Field::name).join(", "))]
    Field {
        /// The spec.
        spec: String,
        /// Text before the `=`.
        field: String,
    },
    /// The field is given twice.
    #[error("column `{spec}`: `{field}` was already given")]
    Twice {
        /// The second spec.
        spec: String,
        /// The field.
        field: &'static str,
    },
    /// Two responses would be read from one column.
    #[error("column `{spec}`: `{column}` is named for two responses, which would be equal in every row")]
    Same {
        /// The spec.
        spec: String,
        /// The column.
        column: String,
    },
    /// The field cannot be read from a list of columns or from joined columns.
    #[error("column `{spec}`: `{field}` is read from one column{}", if *joins { ", or from several joined by `+`" } else { "" })]
    Several {
        /// The spec.
        spec: String,
        /// The field.
        field: &'static str,
        /// Whether the field can be read from joined columns.
        joins: bool,
    },
    /// The text after the colon is no mapping of labels.
    #[error(
        "column `{spec}`: behind the colon stand two or three different values, of the first, of the second and of neither: \
         label=choice:0,1, label=winner:model_a,model_b,tie, label=strength:<0,>0,0; or label=a_won,b_won,tied:one-hot, label=score_a,score_b:higher (or lower)"
    )]
    Labels {
        /// The spec.
        spec: String,
    },
    /// The text after the colon does not say which values are correct.
    #[error(
        "column `{spec}`: behind the colon stand two different values, of a correct response and of a wrong one: responses.correct=wrong:false,true"
    )]
    Correct {
        /// The spec.
        spec: String,
    },
    /// The text after the colon does not say which scores are best.
    #[error("column `{spec}`: behind the colon stands which score is best: responses.score=loss:lower (or higher)")]
    Score {
        /// The spec.
        spec: String,
    },
    /// The name of a score's column says a number of which the lowest is the best.
    #[error(
        "column `{spec}`: of scores the highest is best, and the name says `{said}`; responses.rank={column} reads ranks, of which the \
         lowest is best; responses.score={column}:lower or responses.score={column}:higher says it of scores"
    )]
    RankAsScore {
        /// The spec.
        spec: String,
        /// The column.
        column: String,
        /// Words of its name.
        said: String,
    },
    /// The name of a rank's column says a number of which the highest is the best.
    #[error(
        "column `{spec}`: of ranks the lowest is best, and the name says `{said}`; responses.score={column} reads scores, of which the \
         highest is best; responses.score={column}:lower says that the lowest is"
    )]
    ScoreAsRank {
        /// The spec.
        spec: String,
        /// The column.
        column: String,
        /// Word of its name.
        said: String,
    },
    /// A direction is given for ranks.
    #[error(
        "column `{spec}`: of ranks the lowest is best, so that nothing stands behind the column: responses.rank={column}; numbers of which \
         the highest or the lowest may be best are scores: responses.score={column}:higher, responses.score={column}:lower"
    )]
    RankDirection {
        /// The spec.
        spec: String,
        /// The column.
        column: String,
    },
    /// The name of the column that says whether a response is correct says the opposite.
    #[error(
        "column `{spec}`: the name says `{said}`; responses.correct={column}:false,true if true means a wrong response, \
         responses.correct={column}:true,false if it means a correct one"
    )]
    WrongAsCorrect {
        /// The spec.
        spec: String,
        /// The column.
        column: String,
        /// Words of its name.
        said: String,
    },
}

fn nearest_field(field: &str) -> String {
    nearest(field, FIELDS.iter().map(|field| field.name())).map_or_else(String::new, |name| format!("; nearest: `{name}`"))
}
