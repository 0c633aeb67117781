//! Files that are nearly files of rows: no row is judged whose texts are not in the file, and nothing panics. The twin of a fuzz target.

use proptest::prelude::*;

use super::in_file;

/// Files of all kinds, which are changed at random.
const FILES: [&str; 24] = [
    "{\"prompt\":\"Hi\",\"responses\":[\"a\",\"b\"],\"label\":1}\n{\"prompt\":\"Yo \\ud83d\\ude00\",\"responses\":[{\"text\":\"x\",\"score\":1.5},\"y\\n\"],\"label\":2}\n",
    "{\"id\":\"q\",\"prompt\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"},{\"type\":\"text\",\"text\":\"!\"}]}],\"chosen\":\"yes\",\"rejected\":\"no\"}\n",
    "{\"chosen\":\"\\n\\nHuman: P\\n\\nAssistant: yes\",\"rejected\":\"\\n\\nHuman: P\\n\\nAssistant: no\"}\n",
    "[{\"prompt\":\"Hi\",\"chosen\":[\"a\"],\"rejected\":[\"b\",\"c\"]},\n{\"prompt\":5,\"responses\":[true,1e3,-0.50]}]",
    "{\n \"version\": 1,\n \"data\": [{\"prompt\": \"Hi\", \"responses\": [\"a\", \"b\"]}]\n}",
    "{\"prompt\":[\"Hi\",\"Yo\"],\"chosen\":[\"a\",\"x\"],\"rejected\":[\"b\",\"y\"]}",
    "{\"prompt\":{\"0\":\"Hi\",\"1\":\"Yo\"},\"chosen\":{\"0\":\"a\",\"1\":\"x\"},\"rejected\":{\"0\":\"b\",\"1\":\"y\"}}",
    "{\"columns\":[\"prompt\",\"chosen\",\"rejected\"],\"data\":[[\"Hi\",\"a\",\"b\"]]}",
    "{\"0\":{\"prompt\":\"Hi\",\"responses\":[\"a\",\"b\"]},\"1\":{\"prompt\":\"Yo\",\"responses\":[\"x\",\"y\"]}}",
    "{\"prompt\":\"Hi\",\"responses\":[\"a\",\"b\"],\"m\":NaN},\n\u{feff}{\"prompt\":\"\\ud83d\",\"responses\":[\"\\ude00a\",\"b\",],\"m\":[Infinity,-Infinity,1e999]}",
    "prompt,chosen,rejected\nHi,a,b\n\"Yo, \"\"you\"\"\",\"x\ny\",z\n",
    "prompt\tchosen\trejected\nHi\ta\tb\n",
    "prompt;chosen;rejected\r\nHi;a;b\r\n",
    "prompt,responses\nP,\"[{\"\"text\"\": \"\"a\"\", \"\"correct\"\": true}, \"\"b\"\"]\"\n",
    "prompt,chosen,rejected\n\"[\"\"P\"\", \"\"Q\"\"]\",\"[\"\"r\"\", \"\"x\"\"]\",\"[\"\"r\"\", \"\"y\"\"]\"\n",
    "a,b,winner,instruction,input\nx,y,A,Do,this\nx,y,tie,Do,\n",
    "{\"instruction\":\"Do\",\"input\":\"\",\"a\":\"x\",\"b\":\"y\",\"winner\":\"B\"}\n{\"instruction\":\"Do\",\"input\":\"this\\nnow\",\"a\":\"x\",\"b\":7,\"winner\":\"A\"}",
    "{\"prompt\":\"Hi\",\"best\":{\"answer\":\"good\"},\"losers\":[{\"answer\":\"bad\",\"rank\":3},{\"answer\":\"worse\",\"rank\":4}]}\n",
    "{\"prompt\":\"<image>Hi\",\"chosen\":\"a\",\"rejected\":\"b\",\"images\":[\"a.png\"]}",
    "{\"prompt\":\"Hi\",\"responses\":[\"12345678901234567890123\",0.1234567890123456789]}\r{\"prompt\":\"Hi\",\"responses\":[\"a\",\"b\"]}\r",
    "{\"prompt\":\"Hi\",\n\"responses\":[\"a\",\"b\"]}\n{\"prompt\":\"Yo\",\n\"responses\":[\"x\",\"y\"]}\n",
    "{\"train\":[{\"prompt\":\"Hi\",\"responses\":[\"a\",\"b\"]}],\n\"test\":[{\"prompt\":\"Yo\",\"responses\":[\"x\",\"y\"]}]}",
    "{\"prompt\":\"Hi\",\"prompt\":\"Ho\",\"responses\":[\"a\",\"b\"]}",
    "{\"prompt\":[{\"role\":\"user\",\"content\":\"P\"}],\"responses\":[[{\"role\":\"assistant\",\"content\":\"Which?\"},{\"role\":\"user\",\"content\":\"Both\"},{\"role\":\"assistant\",\"content\":\"x\"}],[{\"role\":\"assistant\",\"content\":\"Which?\"},{\"role\":\"user\",\"content\":\"Both\"},{\"role\":\"assistant\",\"content\":\"y\"}]]}",
];

#[test]
fn the_files_hold_rows_in_some_way() {
    for file in FILES {
        let rows: usize = (0..12).map(|way| in_file::rows(file.as_bytes(), way)).sum();
        let none = file.contains("<image>") || file.contains("\"prompt\":\"Ho\"");
        assert_eq!(rows == 0, none, "{file}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_row_is_judged_whose_texts_are_not_in_the_file(
        file in prop::sample::select(&FILES[..]),
        other in prop::sample::select(&FILES[..]),
        changes in prop::collection::vec((0usize..400, 0usize..400, 0usize..4, "[\\[\\]{}\",:;\t\n\\\\a0NuI\u{e9}\u{feff}]{0,4}"), 0..6),
        way in 0usize..12,
    ) {
        let mut bytes = file.as_bytes().to_vec();
        for (at, length, kind, text) in changes {
            let at = at % (bytes.len() + 1);
            let end = (at + length % 20).min(bytes.len());
            let put: Vec<u8> = match kind {
                0 => text.into_bytes(),
                1 => bytes[at..end].repeat(2),
                2 => Vec::new(),
                _ => other.as_bytes()[length % other.len()..].iter().take(40).copied().collect(),
            };
            bytes.splice(at..end, put);
        }
        in_file::rows(&bytes, way);
    }
}
