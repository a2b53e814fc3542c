/**
 * The messages of Envoy's ext_authz (envoy.service.auth.v3.Authorization/Check), as far as they are read and written
 * here: plain objects with the names of the published protos in camel case. A field that is not set is not there.
 */

export interface CheckRequest {
  readonly attributes?: {
    readonly source?: {
      /** The leaf that the client showed, PEM and percent-encoded; empty without one. */
      readonly certificate?: string
    }
    readonly request?: { readonly http?: CheckedRequest }
    /** What the operator wrote beside the route, or the virtual host, that the request took. */
    readonly contextExtensions?: Readonly<Record<string, string>>
  }
}

/** The client's request. */
export interface CheckedRequest {
  readonly method?: string
  readonly scheme?: string
  /** `Host` or `:authority`. */
  readonly host?: string
  /** Path and query. */
  readonly path?: string
  /** By lower-case name; several of one name are merged. */
  readonly headers?: Readonly<Record<string, string>>
  /** In place of it, one by one, where Envoy is told to encode raw headers. */
  readonly headerMap?: { readonly headers?: readonly HeaderValue[] }
  /** The content, where Envoy is told to show it (`with_request_body`): as text, or as it is (`pack_as_bytes`). */
  readonly body?: string
  readonly rawBody?: Uint8Array
}

export interface HeaderValue {
  readonly key?: string
  readonly value?: string
  readonly rawValue?: Uint8Array
}

export interface CheckResponse {
  /** A code of google.rpc.Code: 0 lets the request pass. */
  readonly status: { readonly code: number }
  readonly okResponse?: {
    readonly headers: readonly HeaderValueOption[]
    readonly headersToRemove: readonly string[]
  }
  readonly deniedResponse?: {
    readonly status: { readonly code: number }
    readonly headers: readonly HeaderValueOption[]
    readonly body: string
  }
  /** What other filters and the access log may know. */
  readonly dynamicMetadata?: { readonly fields: Readonly<Record<string, { readonly stringValue: string }>> }
}

export interface HeaderValueOption {
  readonly header: { readonly key: string; readonly value: string }
  readonly appendAction: typeof overwriteIfExistsOrAdd
}

/** The only one that is used here: appending would leave the client's word beside ours. */
export const overwriteIfExistsOrAdd = 2
