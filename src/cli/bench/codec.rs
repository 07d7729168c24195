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

impl Prepared {
    fn write(&self, buffer: &mut impl BufMut) {
        let Template { bytes, id_at } = &self.templates.requests[self.index];
        buffer.put_slice(&bytes[..*id_at]);
        buffer.put_slice(&self.id);
        buffer.put_slice(&bytes[id_at + self.id.len()..]);
    }
}

/// Sends [`Prepared`] requests, takes answers of type `A`.
#[derive(Debug)]
pub struct PreparedCodec<A>(PhantomData<fn() -> A>);

impl<A> Default for PreparedCodec<A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<A: Message + Default + 'static> Codec for PreparedCodec<A> {
    type Encode = Prepared;
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

impl<A: 'static> Encoder for PreparedCodec<A> {
    type Item = Prepared;
    type Error = Status;

    fn encode(&mut self, item: Prepared, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.write(buffer);
        Ok(())
    }
}

impl<A: Message + Default + 'static> Decoder for PreparedCodec<A> {
    type Item = A;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<A>, Status> {
        A::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::api::StreamEventsRequest;

    #[test]
    fn a_prepared_request_is_its_event_under_its_id() {
        let templates = Arc::new(Templates::new(5, 3));
        let mut events = Events::new(5);
        for index in 0..3 {
            let mut bytes = Vec::new();
            Prepared { templates: templates.clone(), index, id: *b"01890a5d-ac96-774b-bcce-b302099a8057" }
                .write(&mut bytes);
            let mut event = events.draw();
            event.event_id = "01890a5d-ac96-774b-bcce-b302099a8057".to_owned();
            let sent = StreamEventsRequest::decode(bytes.as_slice()).expect("is a request");
            assert_eq!(sent.event, Some(event));
        }
    }
}
