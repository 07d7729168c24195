//! Events that were encoded beforehand: sending one copies it and sets its id, so that the generator of the load
//! takes little of the machine that it measures.

use std::marker::PhantomData;
use std::sync::Arc;

use prost::Message;
use prost::bytes::BufMut;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::events::{Events, NO_ID};
use super::ids::Id;
use crate::grpc::api::RecordEventRequest;

/// Encoded requests; `RecordEventRequest` and `StreamEventsRequest` have the same bytes.
#[derive(Debug)]
pub struct Templates {
    requests: Vec<Template>,
    event_bytes: usize,
}

/// An encoded request and where the event id stands in it.
#[derive(Debug)]
struct Template {
    bytes: Box<[u8]>,
    id_at: usize,
}

impl Templates {
    /// `count` requests with events of that seed.
    pub fn new(seed: u64, count: usize) -> Self {
        let mut events = Events::new(seed);
        let mut event_bytes = 0;
        let requests = (0..count).map(|_| {
            let event = events.draw();
            event_bytes += event.encoded_len();
            let bytes = RecordEventRequest { event: Some(event) }.encode_to_vec();
            let id = NO_ID.as_bytes();
            let id_at = bytes.windows(id.len()).position(|window| window == id).expect("a drawn event has its id");
            Template { bytes: bytes.into(), id_at }
        });
        let requests = requests.collect();
        Self { requests, event_bytes }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.requests.len()
    }

    /// Mean size of an event, encoded.
    pub fn mean_event_bytes(&self) -> f64 {
        self.event_bytes as f64 / self.requests.len().max(1) as f64
    }
}

/// A request: a template under an id of its own.
#[derive(Debug)]
pub struct Prepared {
    /// All templates.
    pub templates: Arc<Templates>,
    /// Which one.
    pub index: usize,
    /// The event id.
    pub id: Id,
}

/// A message that is sent.
pub trait Outgoing: Send + 'static {
    /// Writes its bytes.
    fn write(&self, buffer: &mut impl BufMut);
}

impl Outgoing for Prepared {
    fn write(&self, buffer: &mut impl BufMut) {
        let Template { bytes, id_at } = &self.templates.requests[self.index];
        buffer.put_slice(&bytes[..*id_at]);
        buffer.put_slice(&self.id);
        buffer.put_slice(&bytes[id_at + self.id.len()..]);
    }
}

/// A `RecordEventsRequest` has the bytes of its single requests, one after the other.
impl Outgoing for Vec<Prepared> {
    fn write(&self, buffer: &mut impl BufMut) {
        self.iter().for_each(|prepared| prepared.write(buffer));
    }
}

/// Sends messages of type `R`, takes answers of type `A`.
#[derive(Debug)]
pub struct PreparedCodec<R, A>(PhantomData<fn(R) -> A>);

impl<R, A> Default for PreparedCodec<R, A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<R: Outgoing, A: Message + Default + 'static> Codec for PreparedCodec<R, A> {
    type Encode = R;
    type Decode = A;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<R: Outgoing, A: 'static> Encoder for PreparedCodec<R, A> {
    type Item = R;
    type Error = Status;

    fn encode(&mut self, item: R, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.write(buffer);
        Ok(())
    }
}

impl<R, A: Message + Default + 'static> Decoder for PreparedCodec<R, A> {
    type Item = A;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<A>, Status> {
        A::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::api::{Event, RecordEventsRequest, StreamEventsRequest};

    #[test]
    fn a_prepared_request_is_its_event_under_its_id() {
        const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
        let templates = Arc::new(Templates::new(5, 3));
        let mut events = Events::new(5);
        let events: Vec<_> = (0..3).map(|_| Event { event_id: ID.to_owned(), ..events.draw() }).collect();
        let id = ID.as_bytes().try_into().expect("is as long as an id");
        let prepared = (0..3).map(|index| Prepared { templates: templates.clone(), index, id });
        let prepared: Vec<_> = prepared.collect();
        for (event, prepared) in events.iter().zip(&prepared) {
            let mut bytes = Vec::new();
            prepared.write(&mut bytes);
            let sent = StreamEventsRequest::decode(bytes.as_slice()).expect("is a request");
            assert_eq!(sent.event.as_ref(), Some(event));
        }
        let mut bytes = Vec::new();
        prepared.write(&mut bytes);
        assert_eq!(RecordEventsRequest::decode(bytes.as_slice()).expect("is a request").events, events);
    }
}
