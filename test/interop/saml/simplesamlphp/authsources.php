<?php

$config = [
    'people' => [
        'exampleauth:UserPass',
        '{{user}}:{{password}}' => [
            'uid' => ['{{user}}'],
            'mail' => ['{{user}}@acme.example'],
            'groups' => ['engineering', 'on-call <&> "Überall"'],
        ],
    ],
];
