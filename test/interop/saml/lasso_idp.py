"""Lasso as identity provider, in process.

Reads its settings from the JSON file that the argument names: `entity_id`, the files `key` and `certificate`, `audience`,
`recipient` and the certificate file `encrypt_for`. Prints JSON: its `metadata`, and the `responses` that it makes, by what
is special about them.
"""

import base64
import datetime
import json
import sys

import lasso

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings:"

with open(sys.argv[1], encoding="utf-8") as file:
    settings = json.load(file)


def read(name):
    with open(settings[name], encoding="utf-8") as file:
        return file.read()


def key_descriptor(name, use):
    der = "".join(line for line in read(name).splitlines() if "CERTIFICATE" not in line)
    return (
        f'<KeyDescriptor use="{use}"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
    )


OWN = (
    f'<EntityDescriptor xmlns="{METADATA}" entityID="{settings["entity_id"]}">'
    f'<IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">{key_descriptor("certificate", "signing")}'
    f'<SingleSignOnService Binding="{BINDINGS}HTTP-Redirect" Location="{settings["entity_id"]}/sso"/>'
    f"</IDPSSODescriptor></EntityDescriptor>"
)

CLIENT = (
    f'<EntityDescriptor xmlns="{METADATA}" entityID="{settings["audience"]}">'
    f'<SPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">{key_descriptor("encrypt_for", "encryption")}'
    f'<AssertionConsumerService Binding="{BINDINGS}HTTP-POST" Location="{settings["recipient"]}" index="0"'
    f' isDefault="true"/></SPSSODescriptor></EntityDescriptor>'
)


def instant(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def attribute(name, text):
    made = lasso.Saml2Attribute()
    made.name = name
    made.nameFormat = lasso.SAML2_ATTRIBUTE_NAME_FORMAT_BASIC
    node = lasso.MiscTextNode.newWithString(text)
    node.textChild = True
    value = lasso.Saml2AttributeValue()
    value.any = [node]
    made.attributeValue = [value]
    return made


def response(method, encryption=lasso.ENCRYPTION_MODE_NONE, name_format=lasso.SAML2_NAME_IDENTIFIER_FORMAT_EMAIL):
    server = lasso.Server.newFromBuffers(OWN, read("key"), None, read("certificate"))
    server.signatureMethod = method
    server.addProviderFromBuffer(lasso.PROVIDER_ROLE_SP, CLIENT)
    client = server.getProvider(settings["audience"])
    client.setEncryptionMode(encryption)
    client.setEncryptionSymKeyType(lasso.ENCRYPTION_SYM_KEY_TYPE_AES_256)
    client.setKeyEncryptionMethod(lasso.KEY_ENCRYPTION_METHOD_OAEP)
    login = lasso.Login(server)
    login.initIdpInitiatedAuthnRequest(settings["audience"])
    login.request.nameIdPolicy.format = name_format
    login.request.nameIdPolicy.allowCreate = True
    login.request.protocolBinding = lasso.SAML2_METADATA_BINDING_POST
    login.processAuthnRequestMsg(None)
    login.validateRequestMsg(True, True)
    login.buildAssertion(lasso.SAML2_AUTHN_CONTEXT_PASSWORD, instant(0), None, instant(-10), instant(300))
    # An encrypted one is made up by Lasso.
    if login.assertion.subject.nameId is not None:
        login.assertion.subject.nameId.content = "alice@acme.example"
    login.assertion.subject.subjectConfirmation.subjectConfirmationData.notBefore = None
    statement = lasso.Saml2AttributeStatement()
    statement.attribute = [attribute("mail", "alice@acme.example"), attribute("groups", "staff")]
    login.assertion.attributeStatement = [statement]
    login.buildAuthnResponseMsg()
    return base64.b64decode(login.msgBody).decode()


SHA256 = lasso.SIGNATURE_METHOD_RSA_SHA256
TRANSIENT = lasso.SAML2_NAME_IDENTIFIER_FORMAT_TRANSIENT
print(
    json.dumps(
        {
            "metadata": OWN,
            "responses": {
                "rsa-sha256": response(SHA256),
                "rsa-sha384": response(lasso.SIGNATURE_METHOD_RSA_SHA384),
                "rsa-sha512": response(lasso.SIGNATURE_METHOD_RSA_SHA512),
                "rsa-sha1": response(lasso.SIGNATURE_METHOD_RSA_SHA1),
                "encrypted": response(SHA256, lasso.ENCRYPTION_MODE_ASSERTION),
                "encrypted name": response(SHA256, lasso.ENCRYPTION_MODE_NAMEID, TRANSIENT),
            },
        }
    )
)
