"""pysaml2 as identity provider, in process.

Reads its settings from the JSON file that the argument names: `entity_id`, the files `key` and `certificate`, `audience`,
`recipient`, the certificate file `encrypt_for`, and a folder for its database. Prints JSON: its signed `metadata`, and the
`responses` that it makes, by what is special about them.
"""

import json
import sys
from shutil import which

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, config, saml, samlp
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.metadata import entity_descriptor, sign_entity_descriptor
from saml2.server import Server
from saml2.sigver import pre_encryption_part, security_context
from saml2.xmldsig import DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512
from saml2.xmldsig import SIG_RSA_SHA1, SIG_RSA_SHA256, SIG_RSA_SHA384, SIG_RSA_SHA512

XMLENC = "http://www.w3.org/2001/04/xmlenc#"
XMLENC11 = "http://www.w3.org/2009/xmlenc11#"

with open(sys.argv[1], encoding="utf-8") as file:
    settings = json.load(file)

CLIENT = f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{settings["audience"]}">
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService
Binding="{BINDING_HTTP_POST}" Location="{settings["recipient"]}" index="0"/></SPSSODescriptor></EntityDescriptor>"""

idp = Server(
    config=config.IdPConfig().load(
        {
            "entityid": settings["entity_id"],
            "key_file": settings["key"],
            "cert_file": settings["certificate"],
            "xmlsec_binary": which("xmlsec1"),
            "metadata": {"inline": [CLIENT]},
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": [(settings["entity_id"] + "/sso", BINDING_HTTP_REDIRECT)]},
                    "name_id_format": [saml.NAMEID_FORMAT_EMAILADDRESS],
                    "subject_data": settings["folder"] + "/subjects",
                    "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
                }
            },
        }
    )
)


def response(sign_alg, digest_alg, sign_response=False):
    return idp.create_authn_response(
        {"mail": "alice@acme.example", "eduPersonAffiliation": ["member", '<Ünal> & "Co"\n\t😀']},
        "_in-response-to",
        settings["recipient"],
        settings["audience"],
        name_id=saml.NameID(format=saml.NAMEID_FORMAT_EMAILADDRESS, text="alice@acme.example"),
        authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": "https://authority.example"},
        sign_assertion=True,
        sign_response=sign_response,
        sign_alg=sign_alg,
        digest_alg=digest_alg,
    )


def encrypted(algorithm, key_type, key_algorithm=XMLENC + "rsa-oaep-mgf1p"):
    template = pre_encryption_part(msg_enc=algorithm, key_enc=key_algorithm)
    signed = samlp.response_from_string(str(response(SIG_RSA_SHA256, DIGEST_SHA256)))
    return idp.sec.encrypt_assertion(signed, settings["encrypt_for"], template, key_type)


def metadata():
    descriptor = entity_descriptor(idp.config)
    return sign_entity_descriptor(descriptor, None, security_context(idp.config), SIG_RSA_SHA256, DIGEST_SHA256)[1]


print(
    json.dumps(
        {
            "metadata": str(metadata()),
            "responses": {
                "rsa-sha256": str(response(SIG_RSA_SHA256, DIGEST_SHA256)),
                "rsa-sha384": str(response(SIG_RSA_SHA384, DIGEST_SHA384)),
                "rsa-sha512": str(response(SIG_RSA_SHA512, DIGEST_SHA512)),
                "rsa-sha1": str(response(SIG_RSA_SHA1, DIGEST_SHA1)),
                "digest-sha1": str(response(SIG_RSA_SHA256, DIGEST_SHA1)),
                "signed twice": str(response(SIG_RSA_SHA256, DIGEST_SHA256, sign_response=True)),
                "aes128-gcm": encrypted(XMLENC11 + "aes128-gcm", "aes-128"),
                "aes256-gcm": encrypted(XMLENC11 + "aes256-gcm", "aes-256"),
                "aes256-cbc": encrypted(XMLENC + "aes256-cbc", "aes-256"),
                "tripledes-cbc": encrypted(XMLENC + "tripledes-cbc", "des-192"),
                "rsa-1_5": encrypted(XMLENC11 + "aes256-gcm", "aes-256", XMLENC + "rsa-1_5"),
            },
        }
    )
)
