//! A refusal -> whether the account has no money left, so that no further request will be answered.

/// Words that say that the account has no money left, in lower case.
const WORDS: [&str; 17] = [
    "insufficient_quota",
    "insufficient balance",
    "insufficient_balance",
    "insufficient funds",
    "insufficient credit",
    "insufficient_credits",
    "not enough credits",
    "out of credits",
    "credit balance is too low",
    "requires more credits",
    "billing_hard_limit",
    "billing hard limit",
    "arrearage",
    "account is overdue",
    "余额不足",
    "欠费",
    "payment required",
];

/// Returns whether a message says that money is missing. Some services word limits for a minute in the same way, but then say when to come back.
pub(super) fn is_gone(status: u16, body: &str, asks_to_wait: bool) -> bool {
    if status == 402 {
        return true;
    }
    let body = body.to_lowercase();
    let comes_back =
        asks_to_wait || ["retry in", "retrydelay", "try again in", "per minute"].iter().any(|words| body.contains(words));
    matches!(status, 200 | 400 | 403 | 429) && !comes_back && WORDS.iter().any(|words| body.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_money_is_told_from_a_limit_a_minute() {
        let gone = [
            (402, "anything"),
            (402, "Insufficient Balance"),
            (
                429,
                r#"{"error":{"message":"You exceeded your current quota, please check your plan","code":"insufficient_quota"}}"#,
            ),
            (400, "Your credit balance is too low to access the API"),
            (400, "Arrearage: Access denied, please make sure your account is in good standing"),
            (429, "您的账户已欠费"),
            (200, "insufficient credits"),
        ];
        for (status, body) in gone {
            assert!(is_gone(status, body, false), "{status} {body}");
        }
        let passing = [
            (429, "Rate limit reached for requests per minute"),
            (429, "You exceeded your current quota, please check your plan and billing details. Please retry in 20s."),
            (429, r#"insufficient_quota, "retryDelay": "20s""#),
            (500, "insufficient funds"),
            (401, "insufficient permissions"),
            (503, "payment service down"),
        ];
        for (status, body) in passing {
            assert!(!is_gone(status, body, false), "{status} {body}");
        }
        assert!(!is_gone(429, "insufficient_quota", true), "it says when to come back");
    }
}
