//! Values of PostgreSQL as text, both ways.

use std::error::Error;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, PgLsn, ToSql, Type, to_sql_checked};

type Result<T> = std::result::Result<T, Box<dyn Error + Sync + Send>>;

/// A value as a plan writes it; the server makes its own type of it.
#[derive(Debug)]
pub(super) struct Written<'a>(pub(super) &'a str);

impl ToSql for Written<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A value as the server's own text would have it.
#[derive(Debug)]
pub(super) struct Shown(pub(super) String);

/// Whether values of a type can be shown.
pub(super) fn can_be_shown(of: &Type) -> bool {
    Shown::accepts(of)
}

impl<'a> FromSql<'a> for Shown {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self> {
        let text = match *of {
            Type::BOOL => if bool::from_sql(of, raw)? { "t" } else { "f" }.to_owned(),
            Type::INT2 => i16::from_sql(of, raw)?.to_string(),
            Type::INT4 => i32::from_sql(of, raw)?.to_string(),
            Type::INT8 => i64::from_sql(of, raw)?.to_string(),
            Type::OID => u32::from_sql(of, raw)?.to_string(),
            Type::FLOAT4 => f32::from_sql(of, raw)?.to_string(),
            Type::FLOAT8 => f64::from_sql(of, raw)?.to_string(),
            Type::PG_LSN => PgLsn::from_sql(of, raw)?.to_string(),
            Type::VOID => String::new(),
            // One byte of version stands before the text.
            Type::JSONB => std::str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned(),
            _ => std::str::from_utf8(raw)?.to_owned(),
        };
        Ok(Shown(text))
    }

    fn accepts(of: &Type) -> bool {
        let is_text = <&str as FromSql>::accepts(of);
        let others = [
            Type::BOOL,
            Type::INT2,
            Type::INT4,
            Type::INT8,
            Type::OID,
            Type::FLOAT4,
            Type::FLOAT8,
            Type::PG_LSN,
            Type::VOID,
            Type::JSON,
            Type::JSONB,
        ];
        is_text || others.contains(of)
    }
}
