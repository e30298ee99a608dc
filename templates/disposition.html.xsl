<?xml version="1.0" encoding="UTF-8"?>
<!-- Mails about orders as HTML: one column for a phone (360 px), styles at the elements only, nothing to fetch. Colours help those who
     skim; every state is said in words too. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:import href="disposition_common.xsl"/>
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:strip-space elements="*"/>

  <xsl:variable name="label" select="'vertical-align:top;padding:2px 10px 2px 0;white-space:nowrap;color:#555;font-size:14px'"/>
  <xsl:variable name="value" select="'vertical-align:top;padding:2px 0;overflow-wrap:anywhere'"/>
  <xsl:variable name="head" select="'font-size:13px;letter-spacing:0.5px;color:#555;font-weight:bold;margin:20px 0 6px 0'"/>

  <xsl:template match="/mail">
    <html lang="id">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title><xsl:value-of select="letter/subject"/></title>
      </head>
      <body style="margin:0;padding:0">
        <div style="max-width:640px;margin:0 auto;padding:12px 14px;font-family:Arial,'Liberation Sans',sans-serif;font-size:16px;line-height:1.45;color:#111">
          <p style="margin:0 0 12px 0"><xsl:call-template name="lead"/></p>
          <xsl:if test="text">
            <div style="white-space:pre-wrap;overflow-wrap:anywhere;border-left:4px solid #2f5d8a;padding:2px 0 2px 12px;margin:0 0 12px 0"><xsl:value-of select="text"/></div>
          </xsl:if>
          <xsl:if test="enclosure">
            <p style="margin:0 0 12px 0;font-size:14px">Berkas terlampir:
              <xsl:for-each select="enclosure"><xsl:if test="position() &gt; 1">, </xsl:if><xsl:value-of select="."/></xsl:for-each>
            </p>
          </xsl:if>
          <xsl:if test="@corrected"><p style="margin:0 0 12px 0;font-size:14px;color:#555">Dibaca sebagai: <xsl:value-of select="@corrected"/></p></xsl:if>
          <xsl:if test="$kind != 'trace' and $kind != 'letter_done' and $kind != 'noted'">
            <xsl:for-each select="$about"><xsl:call-template name="order"/></xsl:for-each>
          </xsl:if>
          <xsl:variable name="next"><xsl:call-template name="next"/></xsl:variable>
          <xsl:if test="$next != ''">
            <p>
              <xsl:attribute name="style">
                <xsl:text>margin:0 0 12px 0</xsl:text>
                <xsl:if test="$kind = 'given' or $kind = 'declined' or $kind = 'escalation' or @closed_below = 'yes'">;font-weight:bold</xsl:if>
              </xsl:attribute>
              <xsl:value-of select="$next"/>
            </p>
          </xsl:if>
          <xsl:call-template name="letter"/>
          <xsl:if test="$asked"><xsl:call-template name="answers"/></xsl:if>
          <xsl:if test="$list-people"><xsl:call-template name="people"/></xsl:if>
          <xsl:if test="trail/order">
            <div style="{$head}">RIWAYAT DISPOSISI</div>
            <xsl:apply-templates select="trail/order"/>
          </xsl:if>
        </div>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="order">
    <table role="presentation" cellspacing="0" cellpadding="0" style="border-collapse:separate;background:#f1f5f9;border-radius:6px;padding:8px 12px;margin:0 0 12px 0;width:100%">
      <xsl:if test="not($asked)"><tr><td style="{$label}">Kepada</td><td style="{$value}"><xsl:value-of select="@to"/></td></tr></xsl:if>
      <tr><td style="{$label};width:1%">Harap</td><td style="{$value};font-weight:bold"><xsl:call-template name="instructions"/></td></tr>
      <xsl:if test="@due">
        <tr><td style="{$label}">Batas</td><td style="{$value}">
          <xsl:call-template name="due"><xsl:with-param name="iso" select="@due"/><xsl:with-param name="weekday" select="@due_weekday"/></xsl:call-template>
          <xsl:if test="@overdue"><strong style="color:#b00020"> SUDAH LEWAT</strong></xsl:if>
        </td></tr>
      </xsl:if>
      <xsl:if test="note"><tr><td style="{$label}">Catatan</td><td style="{$value};white-space:pre-wrap"><xsl:value-of select="note"/></td></tr></xsl:if>
      <xsl:if test="words"><tr><td style="{$label}">Ditulis</td><td style="{$value}"><xsl:value-of select="words"/></td></tr></xsl:if>
      <xsl:if test="reason and $kind != 'given'"><tr><td style="{$label}">Alasan</td><td style="{$value}"><xsl:value-of select="reason"/></td></tr></xsl:if>
    </table>
  </xsl:template>

  <xsl:template name="letter">
    <div style="{$head}">SURAT</div>
    <table role="presentation" cellspacing="0" cellpadding="0" style="border-collapse:collapse">
      <tr><td style="{$label}">Hal</td><td style="{$value};font-weight:bold"><xsl:value-of select="$letter/subject"/></td></tr>
      <tr><td style="{$label}">Dari</td><td style="{$value}">
        <xsl:value-of select="$letter/sender"/>
        <xsl:if test="$letter/address != '' and $letter/address != $letter/sender"><br/><span style="font-size:14px;color:#555"><xsl:value-of select="$letter/address"/></span></xsl:if>
      </td></tr>
      <xsl:if test="$letter/verdict != ''">
        <tr><td style="{$label}">Keaslian</td><td>
          <xsl:attribute name="style">
            <xsl:value-of select="$value"/>
            <xsl:if test="$letter/@level = 'failed'">;font-weight:bold;color:#b00020</xsl:if>
          </xsl:attribute>
          <xsl:value-of select="$letter/verdict"/>
        </td></tr>
      </xsl:if>
      <xsl:if test="$letter/number != ''"><tr><td style="{$label}">Nomor</td><td style="{$value}"><xsl:value-of select="$letter/number"/></td></tr></xsl:if>
      <tr><td style="{$label}">Tanggal</td><td style="{$value}"><xsl:call-template name="day"><xsl:with-param name="iso" select="$letter/date"/></xsl:call-template></td></tr>
      <tr><td style="{$label}">Sifat</td><td style="{$value}"><xsl:value-of select="$letter/@urgency"/></td></tr>
      <tr><td style="{$label}">Agenda</td><td style="{$value}">
        <xsl:if test="$letter/@agenda"><xsl:value-of select="concat('nomor ', $letter/@agenda, ', ')"/></xsl:if>
        <xsl:text>diterima </xsl:text>
        <xsl:call-template name="moment"><xsl:with-param name="iso" select="$letter/@received"/></xsl:call-template>
      </td></tr>
    </table>
    <xsl:if test="@original = 'yes'"><p style="margin:6px 0 0 0;font-size:14px;color:#555">Surat aslinya terlampir.</p></xsl:if>
  </xsl:template>

  <xsl:template name="answers">
    <div style="{$head}">CARA MENJAWAB</div>
    <div>Balas surel ini dengan salah satu:</div>
    <ul style="margin:4px 0 0 0;padding-left:20px">
      <xsl:if test="$about/@open = 'yes'">
        <li>laporan Saudara, beberapa kalimat; berkas boleh dilampirkan</li>
        <li><strong>SELESAI</strong> pada baris pertama: tugas selesai; laporan boleh di bawahnya</li>
        <li><strong>TOLAK: alasan</strong></li>
      </xsl:if>
      <xsl:if test="$may-order"><li><strong>1 TL besok</strong>: teruskan kepada bawahan nomor 1 di bawah ini; atau baris Kepada:, Harap:, Batas:, Catatan:</li></xsl:if>
      <xsl:if test="$about/@open != 'yes' and not($may-order)"><li>tidak perlu dijawab</li></xsl:if>
    </ul>
  </xsl:template>

  <xsl:template name="people">
    <div style="{$head}">BAWAHAN SAUDARA (nomor bawahan)</div>
    <xsl:for-each select="person">
      <div style="padding:1px 0 1px 24px;text-indent:-24px"><strong><xsl:value-of select="concat(@n, '.')"/></strong><xsl:value-of select="concat(' ', .)"/></div>
    </xsl:for-each>
    <div style="font-size:14px;color:#555;margin-top:6px">Perintah, dengan kata atau singkatan (nomor perintah dalam kurung hanya di belakang Harap):
      <xsl:for-each select="choice">
        <xsl:if test="position() &gt; 1">; </xsl:if>
        <xsl:value-of select="."/>
        <xsl:if test="@short"><xsl:value-of select="concat(', ', @short)"/></xsl:if>
        <xsl:value-of select="concat('&#160;(', @n, ')')"/>
      </xsl:for-each>
    </div>
  </xsl:template>

  <xsl:template match="order">
    <div>
      <xsl:attribute name="style">
        <xsl:text>border-left:3px solid </xsl:text>
        <xsl:choose>
          <xsl:when test="@overdue">#b00020</xsl:when>
          <xsl:when test="@state = 'done'">#2e7d32</xsl:when>
          <xsl:when test="@state = 'declined' or @state = 'recalled'">#9e9e9e</xsl:when>
          <xsl:otherwise>#2f5d8a</xsl:otherwise>
        </xsl:choose>
        <xsl:text>;padding:0 0 2px 10px;margin:8px 0 0 0;font-size:15px;overflow-wrap:anywhere</xsl:text>
      </xsl:attribute>
      <div><strong><xsl:value-of select="@to"/></strong></div>
      <div>
        <xsl:choose>
          <xsl:when test="@overdue"><strong style="color:#b00020"><xsl:call-template name="state"/>, TERLAMBAT</strong></xsl:when>
          <xsl:otherwise><xsl:call-template name="state"/></xsl:otherwise>
        </xsl:choose>
        <xsl:if test="@state = 'done' or @state = 'declined' or @state = 'recalled'">
          <xsl:text> </xsl:text><xsl:call-template name="moment"><xsl:with-param name="iso" select="@state_at"/></xsl:call-template>
        </xsl:if>
      </div>
      <div style="font-size:13px;color:#555">
        <xsl:text>dari </xsl:text><xsl:value-of select="@from"/><xsl:text>, </xsl:text>
        <xsl:call-template name="moment"><xsl:with-param name="iso" select="@at"/></xsl:call-template>
      </div>
      <div style="font-size:14px">
        <xsl:call-template name="instructions"/>
        <xsl:if test="@due"><xsl:text>; batas </xsl:text><xsl:call-template name="moment"><xsl:with-param name="iso" select="@due"/></xsl:call-template></xsl:if>
      </div>
      <xsl:if test="note"><div style="font-size:14px">Catatan: <xsl:value-of select="note"/></div></xsl:if>
      <xsl:if test="reason"><div style="font-size:14px">Alasan: <xsl:value-of select="reason"/></div></xsl:if>
      <xsl:if test="@reminded"><div style="font-size:13px;color:#555">diingatkan <xsl:call-template name="moment"><xsl:with-param name="iso" select="@reminded"/></xsl:call-template></div></xsl:if>
      <xsl:if test="@escalated"><div style="font-size:13px;color:#555">dilaporkan terlambat <xsl:call-template name="moment"><xsl:with-param name="iso" select="@escalated"/></xsl:call-template></div></xsl:if>
      <xsl:for-each select="report">
        <div style="font-size:14px;background:#f1f5f9;border-radius:4px;padding:3px 8px;margin:3px 0">
          <span style="color:#555">
            <xsl:choose><xsl:when test="@closing = 'yes'">Laporan akhir </xsl:when><xsl:otherwise>Laporan </xsl:otherwise></xsl:choose>
            <xsl:call-template name="moment"><xsl:with-param name="iso" select="@at"/></xsl:call-template>
            <xsl:if test="@enclosures != '0'"><xsl:value-of select="concat(' (', @enclosures, ' berkas)')"/></xsl:if>
          </span>
          <xsl:if test=". != ''">
            <br/><xsl:value-of select="substring(normalize-space(.), 1, 300)"/>
            <xsl:if test="string-length(normalize-space(.)) &gt; 300"> ...</xsl:if>
          </xsl:if>
        </div>
      </xsl:for-each>
      <xsl:apply-templates select="order"/>
    </div>
  </xsl:template>
</xsl:stylesheet>
