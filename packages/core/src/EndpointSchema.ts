/**
 * Endpoints in configuration and messages. This module is apart from `Endpoint` because `effect/Schema` is large and few
 * servers need it.
 *
 * **Example** (where to listen, from the environment)
 *
 * ```ts
 * import * as EndpointSchema from "@sluice/core/EndpointSchema"
 * import * as Config from "effect/Config"
 *
 * const listen = Config.schema(EndpointSchema.EndpointFromString, "LISTEN") // LISTEN=tcp://127.0.0.1:9000
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Endpoint from "./Endpoint.ts"

const isEndpoint = (u: unknown): u is Endpoint.Endpoint =>
  Predicate.hasProperty(u, "_tag") && ["Tcp", "Tls", "Udp", "Unix", "Inherited"].includes(u._tag as string)

const EndpointValue = Schema.declare(isEndpoint, { identifier: "Endpoint" })

/**
 * An endpoint from its text, such as `"tcp://127.0.0.1:9000"`. The message of the issue says what is wrong with the text.
 *
 * @category schemas
 * @since 0.1.0
 */
export const EndpointFromString: Schema.decodeTo<Schema.declare<Endpoint.Endpoint>, Schema.String> = Schema.String.pipe(
  Schema.decodeTo(
    EndpointValue,
    SchemaTransformation.transformEffect({
      decode: (input, options) => {
        const result = Endpoint.parse(input)
        return Result.isSuccess(result)
          ? Effect.succeed(result.success)
          : Effect.fail(new SchemaIssue.InvalidValue({ message: result.failure.message }, input, options))
      },
      encode: (endpoint) => Effect.succeed(Endpoint.format(endpoint))
    })
  )
)
