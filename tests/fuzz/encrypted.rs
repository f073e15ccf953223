//! Small documents that qpdf has encrypted with an empty password: RC4 of 40 bits, AES of 128 and of 256 bits.

pub(crate) const RC4: &[u8] = b"\
    %PDF-1.4\n%\xbf\xf7\xa2\xfe\n1 0 obj\n<< /OpenAction << /JS <58c3e3b6e829628377f3ea3c2f> >\
    > /Pages 2 0 R /Type /Catalog >>\nendobj\n2 0 obj\n<< /Count 1 /Kids [ 3 0 R ] /Type /Page\
    s >>\nendobj\n3 0 obj\n<< /Contents 4 0 R /MediaBox [ 0 0 9 9 ] /Parent 2 0 R /Type /Page \
    >>\nendobj\n4 0 obj\n<< /Length 28 /Filter /FlateDecode >>\nstream\n\xa8\x98\xbeQ\x99\xf9`\
    !C\xe8\x87z\xfa\x97RE;\x1ax\xad&\xef\xa9\xd0\x1b\x1d:\x82endstream\nendobj\n5 0 obj\n<< /F\
    ilter /Standard /Length 40 /O <c92422687facee686e373f10b5c7d04738053152f7e2ee30e11c69ec442\
    576ab> /P -4 /R 2 /U <80b8dd31fc7b51151f1fec7613bd04b17d7388c7bc9e394815881bca970d8b5b> /V \
    1 >>\nendobj\nxref\n0 6\n0000000000 65535 f \n0000000015 00000 n \n0000000115 00000 n \n00\
    00000174 00000 n \n0000000259 00000 n \n0000000357 00000 n \ntrailer << /Root 1 0 R /Size \
    6 /ID [<6d1d9e223777e01e88b5a41911553078><6d1d9e223777e01e88b5a41911553078>] /Encrypt 5 0 \
    R >>\nstartxref\n563\n%%EOF\n";

pub(crate) const AES_128: &[u8] = b"\
    %PDF-1.6\n%\xbf\xf7\xa2\xfe\n1 0 obj\n<< /OpenAction << /JS <fef1b7f7d804866c52c226654bbf7\
    0ad9eb2a1472f32174e4a1fb2285c022993> >> /Pages 2 0 R /Type /Catalog >>\nendobj\n2 0 obj\n<\
    < /Count 1 /Kids [ 3 0 R ] /Type /Pages >>\nendobj\n3 0 obj\n<< /Contents 4 0 R /MediaBox \
    [ 0 0 9 9 ] /Parent 2 0 R /Type /Page >>\nendobj\n4 0 obj\n<< /Length 48 /Filter /FlateDec\
    ode >>\nstream\nv\x08o\x1cc@\xeb3\xaf\xc2s\xf9\x1a[\xc3A\xebg\x8c\xdc4\0\x82\x19?\x06\xab?\
    \xe7\x85\xbd3L\xd8\x14\xc6\x18\xe9+\xe7.\x11gW\xeeN\xe4\xa5endstream\nendobj\n5 0 obj\n<< \
    /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /Filter /Standard /Lengt\
    h 128 /O <566fa873ee33c797cd3b904fdadf814afa34df9a38f6ed41b984e2c6da2aa6f5> /P -4 /R 4 /St\
    mF /StdCF /StrF /StdCF /U <3989748baa55901011e1309a9ab9a02a0122456a91bae5134273a6db134c87c\
    4> /V 4 >>\nendobj\nxref\n0 6\n0000000000 65535 f \n0000000015 00000 n \n0000000153 00000 \
    n \n0000000212 00000 n \n0000000297 00000 n \n0000000415 00000 n \ntrailer << /Root 1 0 R \
    /Size 6 /ID [<6d1d9e223777e01e88b5a41911553078><6d1d9e223777e01e88b5a41911553078>] /Encryp\
    t 5 0 R >>\nstartxref\n714\n%%EOF\n";

pub(crate) const AES_256: &[u8] = b"\
    %PDF-1.7\n%\xbf\xf7\xa2\xfe\n1 0 obj\n<< /Extensions << /ADBE << /BaseVersion /1.7 /Extens\
    ionLevel 8 >> >> /OpenAction << /JS <0c57f02bb4d0fc70981462e618a65616516183391efff33548e56\
    0a256ffe351> >> /Pages 2 0 R /Type /Catalog >>\nendobj\n2 0 obj\n<< /Count 1 /Kids [ 3 0 R \
    ] /Type /Pages >>\nendobj\n3 0 obj\n<< /Contents 4 0 R /MediaBox [ 0 0 9 9 ] /Parent 2 0 R \
    /Type /Page >>\nendobj\n4 0 obj\n<< /Length 48 /Filter /FlateDecode >>\nstream\n\0\xea\xd8\
    =J\xa4_\x8f0=h\x04\xbdx\xbet\xb2j~/\x10W\xb3\x0bn\xf895\x1b\xcfA\x03_\x9fE\xc0B\xf2p\xc2\
    \xfd\x09\x9e),\xf0\xedLendstream\nendobj\n5 0 obj\n<< /CF << /StdCF << /AuthEvent /DocOpen \
    /CFM /AESV3 /Length 32 >> >> /Filter /Standard /Length 256 /O <d663d4de7be8eccb7072c5cb04e\
    7e84c86a3ad4464e9ba03d36f06d47d9c3eff3f3660f3a86a41ec1f80126714995f4d> /OE <5f24eccb5af65e\
    1b6a0958f7cc1574e6bfd3686b0983c73d5422d77f0c127a0b> /P -4 /Perms <5a98e7dc8328ec7d20b35c6b\
    d5d0243a> /R 6 /StmF /StdCF /StrF /StdCF /U <936dfd91be54795a4960eb4567e44e7fe94e4e84a88fc\
    fbedaa267b6765ddc2e7ed6435c1db1dd3d19d91df9c9fc5e8b> /UE <46401919850a605bc0cce4c9d7ddfaf7\
    451357a873c60b4c09ef95ea2bbbc7ba> /V 5 >>\nendobj\nxref\n0 6\n0000000000 65535 f \n0000000\
    015 00000 n \n0000000219 00000 n \n0000000278 00000 n \n0000000363 00000 n \n0000000481 00\
    000 n \ntrailer << /Root 1 0 R /Size 6 /ID [<6d1d9e223777e01e88b5a41911553078><6d1d9e22377\
    7e01e88b5a41911553078>] /Encrypt 5 0 R >>\nstartxref\n1028\n%%EOF\n";
