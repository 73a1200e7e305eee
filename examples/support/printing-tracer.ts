import { type Attributes, type Span, type SpanStatus, type Tracer, trace } from '@opentelemetry/api'

/** Stands for an SDK: prints each span as one line of JSON when it ends. */
export function printingTracer(print: (line: string) => void): Tracer {
  const startSpan: Tracer['startSpan'] = (name, options = {}) => {
    const attributes: Attributes = { ...options.attributes }
    let status: SpanStatus | undefined
    // The API's own span that records nothing has all the methods; those that matter here do something.
    const span: Span = Object.create(
      trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 }),
    )
    return Object.assign(span, {
      setStatus(given: SpanStatus) {
        status = given
        return span
      },
      end: () =>
        print(
          JSON.stringify({ span: name, ...attributes, ...(status && { error: status.message }) }),
        ),
    })
  }
  return {
    startSpan,
    startActiveSpan: (name: string, ...rest: unknown[]) =>
      (rest.at(-1) as (span: Span) => never)(startSpan(name)),
  }
}
