<?php

$client = [
    'AssertionConsumerService' => '{{recipient}}',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
    'simplesaml.nameidattribute' => 'uid',
    'saml20.sign.assertion' => true,
    'saml20.sign.response' => false,
    'certData' => '{{encryptFor}}',
];

$metadata['{{plain}}'] = $client;

$metadata['{{signedTwice}}'] = ['saml20.sign.response' => true] + $client;

$metadata['{{responseOnly}}'] = ['saml20.sign.assertion' => false, 'saml20.sign.response' => true] + $client;

$metadata['{{encrypted}}'] = ['assertion.encryption' => true] + $client;

$metadata['{{encryptedName}}'] = ['nameid.encryption' => true] + $client;
