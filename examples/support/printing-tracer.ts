import { type Attributes, type Span, type SpanStatus, type Tracer, trace } from '@opentelemetry/api'

/** Takes the place of an SDK: prints each span as one line of JSON when it ends. */
export function printingTracer(print: (line: string) => void): Tracer {
  const startSpan: Tracer['startSpan'] = (name, options = {}) => {
    const attributes: Attributes = { ...options.attributes }
    let status: SpanStatus | undefined
    // The API's non-recording span has all methods; the ones that matter here are replaced.
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
