//! The words of block pages in Spanish.

use super::{Labels, Language, MessageText, PolicyWhyText, WhyText};

pub(super) static WORDS: Language = Language {
    tag: "es",
    name: "Español",
    labels: Labels {
        address: "Dirección",
        user: "Usuario",
        threat: "Amenaza",
        category: "Categoría",
        place: "Encontrada en",
        detail: "Motivo",
        time: "Hora",
        request: "Petición",
        contact: "Contacto",
    },
    threat: MessageText {
        title: "Se ha bloqueado una amenaza",
        lead: "El contenido que ha pedido o enviado contiene una amenaza. Se ha detenido antes de que pudiera causar daños.",
        advice: "No tiene que hacer nada. No intente obtenerlo por otra vía; si cree que se trata de un error, avise a su administrador.",
    },
    black_list: MessageText {
        title: "Esta dirección está bloqueada",
        lead: "La dirección figura en la lista de direcciones que no se pueden visitar desde esta red.",
        advice: "Si la necesita para su trabajo, consulte a su administrador.",
    },
    type_rule: MessageText {
        title: "Este tipo de archivo está bloqueado",
        lead: "Los archivos de este tipo o de este tamaño no se pueden transferir a través de esta red.",
        advice: "Si necesita el archivo para su trabajo, consulte a su administrador.",
    },
    unchecked: MessageText {
        title: "No se ha podido comprobar el contenido",
        lead: "No se ha podido comprobar del todo si el contenido es peligroso, por lo que no se ha dejado pasar.",
        advice: "Puede intentarlo de nuevo más tarde. Si vuelve a ocurrir, avise a su administrador.",
    },
    category: MessageText {
        title: "Este sitio está bloqueado",
        lead: "El sitio pertenece a una categoría que no se puede visitar desde esta red.",
        advice: "Si lo necesita para su trabajo, o si cree que está mal clasificado, consulte a su administrador.",
    },
    advertisement: MessageText {
        title: "Se ha bloqueado un anuncio",
        lead: "La dirección pertenece a un anuncio, y en esta red no se cargan anuncios.",
        advice: "El resto de la página no se ve afectado. Si falta algo que necesita, consulte a su administrador.",
    },
    rule: MessageText {
        title: "Esta dirección está bloqueada",
        lead: "Una regla de esta red no permite esta dirección, para usted o a esta hora.",
        advice: "Si la necesita para su trabajo, consulte a su administrador.",
    },
    policy_unchecked: MessageText {
        title: "No se ha podido comprobar la dirección",
        lead: "No se ha podido averiguar si esta dirección se puede visitar, por lo que no se ha abierto.",
        advice: "Puede intentarlo de nuevo dentro de unos minutos. Si vuelve a ocurrir, avise a su administrador.",
    },
    why: WhyText {
        encrypted: "Está cifrado o protegido con una contraseña.",
        broken: "Está dañado.",
        limit: "Es demasiado grande o está empaquetado demasiadas veces.",
        fragment: "Es solo una parte de un archivo: descargue el archivo desde el principio.",
        unsupported: "Tiene un formato que no se puede leer.",
        time: "La comprobación ha tardado demasiado.",
        engine: "El programa de comprobación no está disponible.",
    },
    policy_why: PolicyWhyText {
        script: "La comprobación que configuró su administrador no ha terminado.",
        reputation: "Los servicios que conocen las direcciones no han respondido.",
        groups: "No se sabe a qué grupos pertenece usted.",
    },
    categories: [
        "Sitios que difunden programas maliciosos",
        "Sitios no recomendados",
        "Contenido para adultos",
        "Violencia",
        "Armas",
        "Juegos de azar",
        "Drogas",
        "Lenguaje obsceno",
        "Chats",
        "Terrorismo",
        "Correo electrónico gratuito",
        "Redes sociales",
        "Sitios citados en avisos de derechos de autor",
        "Juegos en línea",
        "Anonimizadores",
        "Minería de criptomonedas",
        "Ofertas de empleo",
    ],
};
