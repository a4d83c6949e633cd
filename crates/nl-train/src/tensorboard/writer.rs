//! Events, one record each.

use std::io::Write;

use prost::Message;

use super::proto::{self, Measured, Summary, What};
use super::record::write_record;
use super::{Histogram, Image, TensorBoardError};

/// When something was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct At {
    /// The step: epochs, batches, images, as long as one folder counts in one unit.
    pub step: u64,
    /// The time, seconds since 1970; TensorBoard can show it instead of the step.
    pub time: f64,
}

/// The value of a hyper-parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum HyperParameter {
    /// A number.
    Number(f64),
    /// A word.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

/// Writes events to anything that can be written to; each is one write, so a reader sees whole events only.
///
/// ```
/// use nl_train::tensorboard::{At, EventWriter};
/// let mut events = EventWriter::new(Vec::new(), At { step: 0, time: 10.0 })?;
/// events.scalar("accuracy", At { step: 100, time: 12.5 }, 0.97)?;
/// let bytes = events.into_inner()?;
/// assert_eq!(&bytes[23..36], b"brain.Event:2");
/// # Ok::<(), nl_train::tensorboard::TensorBoardError>(())
/// ```
#[derive(Debug)]
pub struct EventWriter<W> {
    out: W,
}

impl<W: Write> EventWriter<W> {
    /// A new file: it says which version of the format it has, and that steps from `start.step` on are written by it.
    ///
    /// TensorBoard forgets what files before this one say of these steps.
    ///
    /// # Errors
    /// [`TensorBoardError::Time`], [`TensorBoardError::Step`] or of the writer.
    pub fn new(out: W, start: At) -> Result<Self, TensorBoardError> {
        checked_step(start.step)?;
        let mut writer = Self { out };
        writer.put(At { step: 0, ..start }, What::FileVersion("brain.Event:2".to_owned()))?;
        writer.put(start, What::SessionLog(proto::SessionLog { status: proto::START }))?;
        Ok(writer)
    }

    /// A number. It is kept in single precision; what is no number is shown as such.
    ///
    /// # Errors
    /// [`TensorBoardError::Tag`], [`TensorBoardError::Time`], [`TensorBoardError::Step`] or of the writer.
    pub fn scalar(&mut self, tag: &str, at: At, value: f64) -> Result<(), TensorBoardError> {
        self.scalars(at, [(tag, value)])
    }

    /// Numbers that were measured together, as one event; of none, nothing is written.
    ///
    /// # Errors
    /// As [`scalar`](Self::scalar).
    pub fn scalars<'a>(
        &mut self,
        at: At,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<(), TensorBoardError> {
        let value = |(tag, value): (&str, f64)| summary(tag, None, Measured::SimpleValue(value as f32));
        let values: Vec<proto::Value> = values.into_iter().map(value).collect::<Result<_, _>>()?;
        if values.is_empty() { Ok(()) } else { self.put(at, What::Summary(Summary { value: values })) }
    }

    /// A picture.
    ///
    /// # Errors
    /// As [`scalar`](Self::scalar).
    pub fn image(&mut self, tag: &str, at: At, image: &Image) -> Result<(), TensorBoardError> {
        self.one(tag, at, None, Measured::Image(image.message()))
    }

    /// A histogram.
    ///
    /// # Errors
    /// As [`scalar`](Self::scalar).
    pub fn histogram(&mut self, tag: &str, at: At, histogram: &Histogram) -> Result<(), TensorBoardError> {
        self.one(tag, at, None, Measured::Histo(histogram.message()))
    }

    /// Words, which TensorBoard reads as Markdown.
    ///
    /// # Errors
    /// As [`scalar`](Self::scalar).
    pub fn text(&mut self, tag: &str, at: At, text: &str) -> Result<(), TensorBoardError> {
        let shape = proto::TensorShape { dim: vec![proto::Dim { size: 1 }] };
        let string_val = vec![text.as_bytes().to_vec()];
        let tensor = proto::Tensor { dtype: proto::STRING, tensor_shape: Some(shape), string_val };
        self.one(tag, at, Some(("text", Vec::new())), Measured::Tensor(tensor))
    }

    /// The hyper-parameters of the run in this folder, once: rows of TensorBoard's table of runs.
    ///
    /// # Errors
    /// As [`scalar`](Self::scalar); the tag is a name among them.
    pub fn hyper_parameters<'a>(
        &mut self,
        at: At,
        values: impl IntoIterator<Item = (&'a str, HyperParameter)>,
    ) -> Result<(), TensorBoardError> {
        let scalar = |value| proto::Scalar {
            kind: Some(match value {
                HyperParameter::Number(number) => proto::ScalarKind::Number(number),
                HyperParameter::Text(text) => proto::ScalarKind::String(text),
                HyperParameter::Flag(flag) => proto::ScalarKind::Bool(flag),
            }),
        };
        let hparams = values.into_iter().map(|(name, value)| (name.to_owned(), scalar(value))).collect();
        let start = proto::SessionStart { hparams, start_time_secs: at.time };
        if start.hparams.contains_key("") {
            return Err(TensorBoardError::Tag);
        }
        let content = proto::HParams { session_start_info: Some(start) }.encode_to_vec();
        // What counts is in the metadata; a value has to be there, and holds nothing.
        let shape = proto::TensorShape { dim: vec![proto::Dim { size: 0 }] };
        let nothing = proto::Tensor { dtype: proto::FLOAT, tensor_shape: Some(shape), string_val: Vec::new() };
        self.one("_hparams_/session_start_info", at, Some(("hparams", content)), Measured::Tensor(nothing))
    }

    /// Hands on what the writer has kept back.
    ///
    /// # Errors
    /// Of the writer.
    pub fn flush(&mut self) -> Result<(), TensorBoardError> {
        Ok(self.out.flush()?)
    }

    /// What it writes to, flushed.
    ///
    /// # Errors
    /// Of the writer.
    pub fn into_inner(mut self) -> Result<W, TensorBoardError> {
        self.flush()?;
        Ok(self.out)
    }

    pub(super) fn get_ref(&self) -> &W {
        &self.out
    }

    fn one(
        &mut self,
        tag: &str,
        at: At,
        plugin: Option<(&str, Vec<u8>)>,
        measured: Measured,
    ) -> Result<(), TensorBoardError> {
        let value = summary(tag, plugin, measured)?;
        self.put(at, What::Summary(Summary { value: vec![value] }))
    }

    fn put(&mut self, at: At, what: What) -> Result<(), TensorBoardError> {
        let (step, wall_time) = (checked_step(at.step)?, checked_time(at.time)?);
        let event = proto::Event { wall_time, step, what: Some(what) };
        Ok(write_record(&mut self.out, &event.encode_to_vec())?)
    }
}

/// Ten digits of seconds: until the year 2286, and so many stand in the name of a file.
pub(super) fn checked_time(time: f64) -> Result<f64, TensorBoardError> {
    if (0.0..1e10).contains(&time) { Ok(time) } else { Err(TensorBoardError::Time { time }) }
}

/// A step as event.proto has it.
pub(super) fn checked_step(step: u64) -> Result<i64, TensorBoardError> {
    i64::try_from(step).map_err(|_| TensorBoardError::Step { step })
}

/// A value with its tag, and the plug-in that shows it, where the kind of the value does not say it.
fn summary(tag: &str, plugin: Option<(&str, Vec<u8>)>, measured: Measured) -> Result<proto::Value, TensorBoardError> {
    if tag.trim().is_empty() {
        return Err(TensorBoardError::Tag);
    }
    let metadata = plugin.map(|(name, content)| proto::SummaryMetadata {
        plugin_data: Some(proto::PluginData { plugin_name: name.to_owned(), content }),
    });
    Ok(proto::Value { tag: tag.to_owned(), metadata, value: Some(measured) })
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::read;
    use super::*;

    fn events(bytes: &[u8]) -> Vec<proto::Event> {
        let (records, rest) = read(bytes);
        assert!(rest.is_empty());
        records.iter().map(|record| proto::Event::decode(&record[..]).unwrap()).collect()
    }

    fn start(step: u64) -> EventWriter<Vec<u8>> {
        EventWriter::new(Vec::new(), At { step, time: 1e9 }).unwrap()
    }

    #[test]
    fn a_file_begins_with_its_version_and_its_first_step() {
        let events = events(&start(7).into_inner().unwrap());
        assert_eq!(events[0].what, Some(What::FileVersion("brain.Event:2".into())));
        assert_eq!((events[1].step, events[1].wall_time), (7, 1e9));
        assert_eq!(events[1].what, Some(What::SessionLog(proto::SessionLog { status: 1 })));
    }

    /// Bytes by hand: what the wire format says, without a library.
    #[test]
    fn an_event_has_the_bytes_of_its_definition() {
        let mut writer = start(0);
        let before = writer.out.len();
        writer.scalar("ab", At { step: 300, time: 2.0 }, 0.5).unwrap();
        let (records, _) = read(&writer.out[before..]);
        let mut expected = vec![1 << 3 | 1];
        expected.extend(2.0_f64.to_le_bytes());
        // 300 as a variable-length number; a summary of 11 bytes; in it a value of 9.
        expected.extend([2 << 3, 0xac, 0x02, 5 << 3 | 2, 11, 1 << 3 | 2, 9, 1 << 3 | 2, 2, b'a', b'b', 2 << 3 | 5]);
        expected.extend(0.5_f32.to_le_bytes());
        assert_eq!(records, [expected]);
    }

    #[test]
    fn values_of_each_kind_are_read_back() {
        let mut writer = start(0);
        let at = At { step: 3, time: 1.5 };
        writer.scalars(at, [("a", 1.0), ("b", f64::NAN)]).unwrap();
        writer.scalars(at, []).unwrap();
        writer.image("picture", at, &Image::grey(1, 1, &[9]).unwrap()).unwrap();
        writer.histogram("weights", at, &Histogram::of(&[1.0, 2.0], 2).unwrap()).unwrap();
        writer.text("note", at, "**bold**").unwrap();
        let values = [("rate", HyperParameter::Number(0.1)), ("on", HyperParameter::Flag(true))];
        writer.hyper_parameters(at, values).unwrap();
        let events = events(&writer.into_inner().unwrap());
        let values: Vec<&proto::Value> = events[2..]
            .iter()
            .flat_map(|event| match &event.what {
                Some(What::Summary(summary)) => &summary.value[..],
                _ => &[],
            })
            .collect();
        let tags: Vec<&str> = values.iter().map(|value| value.tag.as_str()).collect();
        assert_eq!(tags, ["a", "b", "picture", "weights", "note", "_hparams_/session_start_info"]);
        assert!(matches!(values[1].value, Some(Measured::SimpleValue(x)) if x.is_nan()));
        let content = &values[5].metadata.as_ref().unwrap().plugin_data.as_ref().unwrap().content;
        let parameters = proto::HParams::decode(&content[..]).unwrap().session_start_info.unwrap().hparams;
        assert_eq!(parameters["rate"].kind, Some(proto::ScalarKind::Number(0.1)));
    }

    #[test]
    fn what_cannot_be_shown_is_refused_and_nothing_is_written() {
        let mut writer = start(0);
        let length = writer.out.len();
        let at = At { step: 1, time: 1.0 };
        assert!(matches!(writer.scalar(" ", at, 1.0), Err(TensorBoardError::Tag)));
        assert!(matches!(writer.scalars(at, [("a", 1.0), ("", 1.0)]), Err(TensorBoardError::Tag)));
        assert!(matches!(writer.hyper_parameters(at, [("", HyperParameter::Flag(true))]), Err(TensorBoardError::Tag)));
        for time in [f64::NAN, -1.0, f64::INFINITY, 1e10] {
            let error = writer.scalar("a", At { time, ..at }, 1.0).unwrap_err().to_string();
            assert!(error.contains("seconds since 1970"), "{error}");
        }
        let error = writer.scalar("a", At { step: u64::MAX, ..at }, 1.0).unwrap_err().to_string();
        assert!(error.contains("above 2^63"), "{error}");
        assert_eq!(writer.out.len(), length);
    }

    /// A disk that is full.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_error_of_the_writer_is_passed_on() {
        assert!(matches!(EventWriter::new(Full, At::default()), Err(TensorBoardError::Write(_))));
    }
}
