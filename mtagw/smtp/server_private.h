/* server_private: the session as the files of the server side share it. */
#ifndef SMTP_SERVER_PRIVATE_H
#define SMTP_SERVER_PRIVATE_H

#include "mtagw/base/sockaddr.h"
#include "mtagw/smtp/server.h"

enum server_state {
	SERVER_TLS,    /* a handshake runs */
	SERVER_START,  /* greeted, no HELO yet */
	SERVER_READY,  /* HELO done, no transaction */
	SERVER_MAIL,   /* MAIL accepted */
	SERVER_RCPT,   /* at least one recipient */
	SERVER_DATA,   /* bytes of the message come */
	SERVER_CHUNK,  /* octets of a BDAT come */
	SERVER_CHUNKS, /* a message by BDAT is open, its next command is awaited */
	SERVER_AUTH,   /* a line of an AUTH exchange is awaited */
	SERVER_CLOSED, /* nothing more is read */
	SERVER_STATE_COUNT
};
/* The question the role has not answered yet: no further command is handled before. */
enum server_question { ASK_NONE, ASK_AUTH, ASK_MAIL, ASK_RCPT, ASK_DATA };

/* Where the stream of DATA stands (RFC 5321 4.1.1.4): CRLF . CRLF alone ends it. */
enum data_state { DATA_LINE, DATA_DOT, DATA_DOT_CR, DATA_TEXT, DATA_CR };

struct smtp_session {
	struct loop *loop;
	struct conn *conn;
	struct smtp_server_params params;
	char id[20];
	char peer_ip[SOCKADDR_TEXT_MAX], local_ip[SOCKADDR_TEXT_MAX];
	int64_t
	    line_since_ms; /* a command line began to come (clock_mono_ms); 0: none is half there */
	enum server_state state;
	enum server_question question;
	char login[256], helo[256];
	struct smtp_tx *tx;
	size_t rcpts_size; /* allocated */
	int errors;
	int junk;         /* commands since the last message that carry none forward */
	bool extended;    /* EHLO, not HELO */
	bool processing;  /* inside server_process: answers only clear the question */
	bool deferred;    /* a server_process is on its way from the loop */
	bool gone;        /* closed; freed from the loop */
	bool eof;         /* the peer sends no more; what it sent is still handled */
	size_t skipped;   /* bytes of it so far */
	bool skipping;    /* an over-long command line is thrown away up to its end */
	const char *shut; /* 421 with this text as soon as nothing is under way */
	/* DATA */
	enum data_state data_state;
	bool data_paused;
	int64_t data_deadline_ms; /* bytes after this come too slowly (clock_mono_ms) */
	int64_t data_left_ms;     /* of it when reading was paused */
	size_t data_line_len, data_lines;
	/* BDAT */
	uint64_t chunk_left, chunk_size; /* octets of the chunk still to come; as announced */
	uint64_t chunks_size;            /* of the chunks of this message so far */
	bool chunked;                    /* the message comes by BDAT: a dot is a dot */
	bool chunk_last;
	const char *chunk_refused;    /* out of order: its octets are thrown away, then 503 */
	enum server_state chunk_back; /* where a refused chunk leaves the session */
	struct {
		int code; /* 0: fine so far */
		char enhanced[12], text[200];
	} data_failure;
};

/* server.c */
void server_reply(struct smtp_session *s, int code, const char *enhanced, const char *text);
void server_set_state(struct smtp_session *s, enum server_state state);
void server_reset_tx(struct smtp_session *s);
/* Ends the session; reason is logged once by the role. */
void server_close(struct smtp_session *s, const char *reason);
/* server_cmd.c: one command line without CRLF; one line of an AUTH exchange. */
void server_command(struct smtp_session *s, struct range line);
void server_auth_line(struct smtp_session *s, struct range line);
/* server_envelope.c: MAIL and RCPT with their parameters. */
void server_mail_command(struct smtp_session *s, struct range args);
void server_rcpt_command(struct smtp_session *s, struct range args);
/* server_data.c: takes bytes, returns how many; at the end of data it asks the role. */
void server_data_start(struct smtp_session *s, bool chunked);
size_t server_data_feed(struct smtp_session *s, struct range bytes);
/* The same for the octets of a chunk; its answer is given at its end. */
size_t server_chunk_feed(struct smtp_session *s, struct range bytes);
/* What BDAT says (RFC 3030 section 2): its octets follow whatever we think of it. */
void server_chunk_command(struct smtp_session *s, struct range args);
/* The message is whole: the role is asked what became of it. */
void server_data_end(struct smtp_session *s);
/* A message, or octets that are thrown away, begin to come now. */
void server_data_start_time(struct smtp_session *s);
/* True (answered with 421 and closed) where len bytes of a message come too late; else they earn
 * their time. */
bool server_data_too_slow(struct smtp_session *s, size_t len);
/* Our own pauses are not the client's slowness. */
void server_data_paused(struct smtp_session *s, bool paused);
/* The first offence stands; the rest of the message is read and thrown away. */
__attribute__((format(printf, 4, 5))) void server_data_fail(
    struct smtp_session *s, int code, const char *enhanced, const char *format, ...);

#endif
