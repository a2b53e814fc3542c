import type { AnyAuthenticator } from './authenticate/authenticator.ts'
import { clientSecretBasic } from './authenticate/client_secret_basic.ts'
import { clientSecretPost } from './authenticate/client_secret_post.ts'
import { privateKeyJwt } from './authenticate/private_key_jwt.ts'
import { selfSignedTlsClientAuth } from './authenticate/self_signed_tls_client_auth.ts'
import { spiffeJwt } from './authenticate/spiffe_jwt.ts'
import { spiffeX509 } from './authenticate/spiffe_x509.ts'
import { tlsClientAuth } from './authenticate/tls_client_auth.ts'
import { apache } from './formats/certificate-headers/apache.ts'
import { awsAlb } from './formats/certificate-headers/aws-alb.ts'
import { azureAppgw } from './formats/certificate-headers/azure-appgw.ts'
import { azureArr } from './formats/certificate-headers/azure-arr.ts'
import type { AnyCertificateHeaders } from './formats/certificate-headers/certificate-headers.ts'
import { cloudflare } from './formats/certificate-headers/cloudflare.ts'
import { envoyXfcc } from './formats/certificate-headers/envoy-xfcc.ts'
import { gcpLb } from './formats/certificate-headers/gcp-lb.ts'
import { haproxy } from './formats/certificate-headers/haproxy.ts'
import { nginx } from './formats/certificate-headers/nginx.ts'
import { rfc9440 } from './formats/certificate-headers/rfc9440.ts'
import { traefik } from './formats/certificate-headers/traefik.ts'
import { apisix } from './gateways/apisix.ts'
import { awsLambda } from './gateways/aws-lambda.ts'
import type { Dialect } from './gateways/dialect.ts'
import { envoyGrpc } from './gateways/envoy-grpc.ts'
import { envoyHttp } from './gateways/envoy-http.ts'
import { forwardAuth } from './gateways/forward-auth.ts'
import { haproxy as haproxyGateway } from './gateways/haproxy.ts'
import { ingressNginx } from './gateways/ingress-nginx.ts'
import { json } from './gateways/json.ts'
import { nginx as nginxGateway } from './gateways/nginx.ts'
import { apiKey } from './obtain/api-key.ts'
import { awsSigv4 } from './obtain/aws-sigv4.ts'
import { awsSts } from './obtain/aws-sts.ts'
import { basic } from './obtain/basic.ts'
import { clientCredentials } from './obtain/client-credentials.ts'
import { entraFederated } from './obtain/entra-federated.ts'
import { githubApp } from './obtain/github-app.ts'
import { googleSts } from './obtain/google-sts.ts'
import { httpSignature } from './obtain/http-signature.ts'
import { idJag } from './obtain/id-jag.ts'
import { jwtBearer } from './obtain/jwt-bearer.ts'
import type { AnyObtainer } from './obtain/obtainer.ts'
import { refreshToken } from './obtain/refresh-token.ts'
import { samlBearer } from './obtain/saml-bearer.ts'
import { self } from './obtain/self.ts'
import { signedJwt } from './obtain/signed-jwt.ts'
import { tokenExchange } from './obtain/token-exchange.ts'
import { canonical } from './verify/canonical.ts'
import { oidc } from './verify/oidc.ts'
import { saml } from './verify/saml.ts'
import { spiffe } from './verify/spiffe.ts'
import type { AnyVerifier } from './verify/verifier.ts'
import { x509 } from './verify/x509.ts'

/** Everything that dragoman can speak. A new kind is one file and one word here. */

export const authenticators: readonly AnyAuthenticator[] = [
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  tlsClientAuth,
  selfSignedTlsClientAuth,
  spiffeJwt,
  spiffeX509,
]

/** In the order in which they look at a credential: what a more special one takes, the others do not see. */
export const verifiers: readonly AnyVerifier[] = [spiffe, canonical, oidc, saml, x509]

/** The ways in which gateways pass a client certificate on. */
export const certificateHeaders: readonly AnyCertificateHeaders[] = [
  apache,
  awsAlb,
  azureAppgw,
  azureArr,
  cloudflare,
  envoyXfcc,
  gcpLb,
  haproxy,
  nginx,
  rfc9440,
  traefik,
]

/** The gateways that can ask about requests. */
export const dialects: readonly Dialect[] = [
  apisix,
  awsLambda,
  envoyGrpc,
  envoyHttp,
  forwardAuth,
  haproxyGateway,
  ingressNginx,
  json,
  nginxGateway,
]

/** What partners accept. */
export const obtainers: readonly AnyObtainer[] = [
  apiKey,
  awsSigv4,
  awsSts,
  basic,
  clientCredentials,
  entraFederated,
  githubApp,
  googleSts,
  httpSignature,
  idJag,
  jwtBearer,
  refreshToken,
  samlBearer,
  self,
  signedJwt,
  tokenExchange,
]
