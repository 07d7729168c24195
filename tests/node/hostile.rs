//! A server that answers every call with a message whose every field is hostile, or with a hostile refusal.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use akta::grpc::api;
use http_body::{Body as _, Frame};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};
use tonic::transport::Server;
use tower::{Layer, Service};

/// Sequences of terminals (colour, link, title, both as ESC and as C1), bell, backspace, return, a line of its own, NUL,
/// DEL; text that runs the other way round; what is not seen.
pub(crate) const TEXT: &str = "zq-hostile-7731\u{1b}[31m\u{1b}]8;;x\u{7}\u{8}\r\nakta: good\0\u{7f}\u{85}\u{9b}2J\u{9d}0;t\u{9c}\
                               \u{202e}\u{2066}\u{200f}\u{2028}\u{feff}\u{e0041}";

/// What it answers with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answers {
    /// Good messages.
    Hostile,
    /// INVALID_ARGUMENT.
    Refusals,
}

/// A running one; ends with this.
pub(crate) struct Hostile {
    address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Hostile {
    pub(crate) fn start(answers: Answers) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(async move {
            // The service is never asked: the layer answers.
            let (_, unasked) = tonic_health::server::health_reporter();
            let server = Server::builder().layer(Every(answers)).add_service(unasked);
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
        });
        Self { address, _runtime: runtime }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// Answers every call, whatever is beneath.
#[derive(Clone, Copy)]
struct Every(Answers);

impl<S> Layer<S> for Every {
    type Service = Self;

    fn layer(&self, _: S) -> Self {
        *self
    }
}

impl Service<Request<Body>> for Every {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        // Read to its end: a request that nobody reads is reset, and its answer with it.
        let mut body = request.into_body();
        tokio::spawn(async move {
            while std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_some_and(|frame| frame.is_ok())
            {
            }
        });
        ready(Ok(match self.0 {
            Answers::Refusals => Status::invalid_argument(TEXT).into_http(),
            Answers::Hostile => good(&path),
        }))
    }
}

fn good(path: &str) -> Response<Body> {
    let message = Descriptors::get().answer(path);
    let length = u32::try_from(message.len()).unwrap();
    let data = [&[0][..], &length.to_be_bytes(), &message].concat();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = VecDeque::from([Frame::data(Bytes::from(data)), Frame::trailers(trailers)]);
    let mut response = Response::new(Body::new(Frames(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

struct Frames(VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// What messages look like: of Akta, of the health service, and of what they import.
struct Descriptors(Vec<FileDescriptorSet>);

/// How often a list is filled: each time with the next of what may be one of several.
const VARIANTS: usize = 32;

impl Descriptors {
    fn get() -> Arc<Self> {
        static ALL: LazyLock<Arc<Descriptors>> = LazyLock::new(|| {
            let sets = [api::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET];
            Arc::new(Descriptors(sets.map(|set| FileDescriptorSet::decode(set).unwrap()).into()))
        });
        ALL.clone()
    }

    /// The answer to a call of that path.
    fn answer(&self, path: &str) -> Vec<u8> {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap();
        let files = self.0.iter().flat_map(|set| &set.file);
        let of =
            files.flat_map(|file| file.service.iter().map(move |of| (format!("{}.{}", file.package(), of.name()), of)));
        let (_, of) = of.into_iter().find(|(name, _)| name == service).unwrap();
        let method = of.method.iter().find(|of| of.name() == method).unwrap();
        self.filled(method.output_type(), 1, 0)
    }

    fn message(&self, name: &str) -> &DescriptorProto {
        fn within<'a>(prefix: &str, message: &'a DescriptorProto, name: &str) -> Option<&'a DescriptorProto> {
            let own = format!("{prefix}.{}", message.name());
            if own == name {
                return Some(message);
            }
            message.nested_type.iter().find_map(|inner| within(&own, inner, name))
        }
        let mut files = self.0.iter().flat_map(|set| &set.file);
        let found = files.find_map(|file| {
            let package = format!(".{}", file.package());
            file.message_type.iter().find_map(|message| within(&package, message, name))
        });
        found.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// A message whose every text is hostile and every number 1; of several fields of which one is set, it is the
    /// `variant`-th. Nothing says that there is a next page.
    fn filled(&self, name: &str, variant: usize, depth: usize) -> Vec<u8> {
        let message = self.message(name);
        let mut bytes = Vec::new();
        for field in &message.field {
            let one_of =
                |other: &&FieldDescriptorProto| field.oneof_index.is_some() && other.oneof_index == field.oneof_index;
            let choices: Vec<_> = message.field.iter().filter(one_of).map(FieldDescriptorProto::number).collect();
            let chosen = choices.is_empty() || choices[variant % choices.len()] == field.number();
            if !chosen || depth > 8 || field.name().starts_with("next_") {
                continue;
            }
            let often = if field.label() == Label::Repeated && depth == 0 { VARIANTS } else { 1 };
            (0..often).for_each(|variant| self.field(field, variant, depth, &mut bytes));
        }
        bytes
    }

    fn field(&self, field: &FieldDescriptorProto, variant: usize, depth: usize, bytes: &mut Vec<u8>) {
        let number = u32::try_from(field.number()).unwrap();
        match field.r#type() {
            Type::String | Type::Bytes => delimited(number, TEXT.as_bytes(), bytes),
            Type::Message => delimited(number, &self.filled(field.type_name(), variant, depth + 1), bytes),
            Type::Double | Type::Fixed64 | Type::Sfixed64 => {
                encode_key(number, WireType::SixtyFourBit, bytes);
                bytes.extend(1u64.to_le_bytes());
            }
            Type::Float | Type::Fixed32 | Type::Sfixed32 => {
                encode_key(number, WireType::ThirtyTwoBit, bytes);
                bytes.extend(1u32.to_le_bytes());
            }
            _ => {
                encode_key(number, WireType::Varint, bytes);
                encode_varint(1, bytes);
            }
        }
    }
}

fn delimited(number: u32, content: &[u8], bytes: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, bytes);
    encode_varint(content.len() as u64, bytes);
    bytes.extend(content);
}
